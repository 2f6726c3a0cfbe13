#include "session/admission.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

namespace larder::session {

namespace {
/// How often it is asked whether the client of a waiting request is still there.
constexpr std::chrono::milliseconds look_at_client{100};
}  // namespace

Place& Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  admission_ = std::exchange(other.admission_, nullptr);
  return *this;
}

void Place::give_back() {
  if (Admission* admission = std::exchange(admission_, nullptr)) admission->give_back();
}

awaitable<Admission::Admitted> Admission::admit(Executor executor, HasLeft has_left) {
  if (limit_ == 0) co_return Place();
  WaiterPointer waiter;
  {
    const std::scoped_lock lock(mutex_);
    // Who waits already comes first.
    if (in_flight_ < limit_ && waiting_.empty()) {
      ++in_flight_;
      co_return Place(*this);
    }
    if (waiting_.size() >= queue_) {
      ++refused_;
      co_return FetchFailure::queue_full;
    }
    waiter = std::make_shared<Waiter>(executor);
    waiting_.push_back(waiter);
  }
  Queued queued(*this, waiter);
  const SteadyClock::time_point give_up = SteadyClock::now() + timeout_;
  while (true) {
    // The post that cancels this can only run once the coroutine has suspended.
    waiter->timer.expires_at(has_left ? std::min(give_up, SteadyClock::now() + look_at_client)
                                      : give_up);
    const auto [ignored] = co_await waiter->timer.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
    if (std::optional<Place> place = queued.take()) co_return *std::move(place);
    if (SteadyClock::now() >= give_up) {
      const std::scoped_lock lock(mutex_);
      ++timed_out_;
      co_return FetchFailure::queue_timed_out;
    }
    if (has_left && has_left()) co_return FetchFailure::left_queue;
  }
}

std::optional<Place> Admission::Queued::take() {
  const std::scoped_lock lock(admission_.mutex_);
  if (!std::exchange(waiter_->is_admitted, false)) return std::nullopt;
  return Place(admission_);
}

Admission::Queued::~Queued() {
  // Given in the last moment: whoever is next gets it.
  if (take()) return;
  const std::scoped_lock lock(admission_.mutex_);
  std::erase(admission_.waiting_, waiter_);
}

void Admission::give_back() {
  WaiterPointer next;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      --in_flight_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
    next->is_admitted = true;
  }
  const Executor executor = next->timer.get_executor();
  asio::post(executor, [next = std::move(next)] { next->timer.cancel(); });
}

Admission::Status Admission::status() const {
  const std::scoped_lock lock(mutex_);
  return {limit_, in_flight_, static_cast<unsigned>(waiting_.size()), refused_, timed_out_};
}

}  // namespace larder::session
