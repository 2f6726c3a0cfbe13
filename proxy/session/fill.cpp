#include "session/fill.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

namespace larder::session {

namespace {
constexpr std::size_t piece_of_unknown_length = 32 * 1024;
}

void Fill::announce(std::unique_lock<std::mutex> lock) {
  ++now_.version;
  std::vector<std::shared_ptr<Timer>> waiting;
  waiting.swap(waiting_);
  lock.unlock();
  for (std::shared_ptr<Timer>& timer : waiting) {
    // A timer belongs to its thread. On this one its reader is next, so that it has the answer
    // before Redis, whose commands go out at the end of the turn, is awake and wants a processor.
    const Executor executor = timer->get_executor();
    if (executor.running_in_this_thread())
      timer->cancel();
    else
      asio::post(executor, [timer = std::move(timer)] { timer->cancel(); });
  }
}

void Fill::note_unstored(policy::Detail detail) {
  const std::scoped_lock lock(mutex_);
  now_.detail = detail;
}

void Fill::note_origin_age(policy::seconds age) {
  const std::scoped_lock lock(mutex_);
  now_.origin_age = age;
}

void Fill::note_origin_status(std::uint16_t status) {
  const std::scoped_lock lock(mutex_);
  now_.origin_status = status;
}

void Fill::note_origin_time(SteadyClock::duration time) {
  const std::scoped_lock lock(mutex_);
  now_.origin_time = time;
}

void Fill::note_answer(SteadyClock::time_point fresh_until) {
  const std::scoped_lock lock(mutex_);
  joinable_until_ = std::max(fresh_until, SteadyClock::now());
}

void Fill::arrive(policy::StoredResponsePointer head, std::optional<std::size_t> length) {
  std::unique_lock lock(mutex_);
  piece_capacity_ = length ? std::max<std::size_t>(*length, 1) : piece_of_unknown_length;
  now_.state = State::arriving;
  now_.response = std::move(head);
  now_.length = length;
  announce(std::move(lock));
}

void Fill::append(std::string_view content) {
  std::unique_lock lock(mutex_);
  while (!content.empty()) {
    if (pieces_.empty() || pieces_.back().size == piece_capacity_)
      pieces_.push_back({std::shared_ptr<char[]>(new char[piece_capacity_]), 0});
    Piece& last = pieces_.back();
    const std::size_t size = std::min(content.size(), piece_capacity_ - last.size);
    std::memcpy(last.data.get() + last.size, content.data(), size);
    last.size += size;
    now_.available += size;
    content.remove_prefix(size);
  }
  announce(std::move(lock));
}

policy::SharedBytes Fill::content() const {
  const std::scoped_lock lock(mutex_);
  if (pieces_.empty()) return {};
  // A piece that was to hold more than came would keep all of its room for as long as it is stored.
  if (pieces_.size() == 1 && pieces_.front().size == piece_capacity_)
    return {pieces_.front().data, pieces_.front().size};
  std::shared_ptr<char[]> whole(new char[now_.available]);
  std::size_t filled = 0;
  for (const Piece& piece : pieces_) {
    std::memcpy(whole.get() + filled, piece.data.get(), piece.size);
    filled += piece.size;
  }
  return {whole, filled};
}

std::string_view Fill::piece(std::size_t offset) const {
  const std::scoped_lock lock(mutex_);
  if (offset >= now_.available) return {};
  const Piece& piece = pieces_[offset / piece_capacity_];
  const std::size_t within = offset % piece_capacity_;
  return {piece.data.get() + within, piece.size - within};
}

void Fill::hold_whole(policy::StoredResponsePointer response) {
  std::unique_lock lock(mutex_);
  now_.state = State::whole;
  now_.is_put = true;
  now_.response = std::move(response);
  now_.length = now_.response->content.size;
  announce(std::move(lock));
}

void Fill::complete(policy::StoredResponsePointer response, policy::Detail unstored) {
  std::unique_lock lock(mutex_);
  now_.state = State::complete;
  now_.response = std::move(response);
  now_.length = now_.response->content.size;
  now_.detail = unstored;
  announce(std::move(lock));
}

void Fill::refuse(policy::Detail detail, OriginAnswer answer) {
  std::unique_lock lock(mutex_);
  now_.state = State::refused;
  joinable_until_ = SteadyClock::now();
  now_.detail = detail;
  answer_.emplace(std::move(answer));
  announce(std::move(lock));
}

void Fill::fail(FetchFailure failure) {
  std::unique_lock lock(mutex_);
  now_.state = State::failed;
  joinable_until_ = SteadyClock::now();
  now_.failure = failure;
  announce(std::move(lock));
}

bool Fill::is_joinable(SteadyClock::time_point asked) const {
  const std::scoped_lock lock(mutex_);
  return asked < joinable_until_;
}

void Fill::note_reader() {
  const std::scoped_lock lock(mutex_);
  now_.has_readers = true;
}

Fill::Snapshot Fill::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return now_;
}

awaitable<bool> Fill::changed(std::uint64_t seen, std::shared_ptr<Timer> timer,
                              milliseconds timeout) {
  {
    const std::scoped_lock lock(mutex_);
    if (now_.version != seen) co_return true;
    waiting_.push_back(timer);
  }
  // Whoever cancels it does so on this thread, and so once this coroutine has suspended.
  timer->expires_after(timeout);
  const auto [ignored] = co_await timer->async_wait(asio::as_tuple(use_awaitable));
  (void)ignored;
  const std::scoped_lock lock(mutex_);
  std::erase(waiting_, timer);
  co_return now_.version != seen;
}

std::optional<OriginAnswer> Fill::take_answer() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

}  // namespace larder::session
