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

bool Admission::take() {
  unsigned now = in_flight_.load();
  while (now < limit_) {
    if (in_flight_.compare_exchange_weak(now, now + 1)) return true;
  }
  return false;
}

std::optional<Place> Admission::admit_now() {
  if (limit_ == 0) return Place();
  // Who waits already comes first.
  if (waiters_.load() > 0 || !take()) return std::nullopt;
  return Place(*this);
}

awaitable<Admission::Admitted> Admission::admit(Executor executor, HasLeft has_left) {
  if (std::optional<Place> place = admit_now()) co_return *std::move(place);
  WaiterPointer waiter;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= queue_) {
      ++refused_;
      co_return FetchFailure::queue_full;
    }
    waiter = std::make_shared<Waiter>(executor);
    waiting_.push_back(waiter);
    ++waiters_;
    hand_out();
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
  bool was_admitted = false;
  {
    const std::scoped_lock lock(admission_.mutex_);
    was_admitted = std::exchange(waiter_->is_admitted, false);
    if (std::erase(admission_.waiting_, waiter_) > 0) --admission_.waiters_;
  }
  // Given in the last moment: whoever is next gets it.
  if (was_admitted) admission_.give_back();
}

void Admission::give_back() {
  --in_flight_;
  if (waiters_.load() == 0) return;
  const std::scoped_lock lock(mutex_);
  hand_out();
}

void Admission::hand_out() {
  while (!waiting_.empty() && take()) {
    WaiterPointer next = std::move(waiting_.front());
    waiting_.pop_front();
    --waiters_;
    next->is_admitted = true;
    const Executor executor = next->timer.get_executor();
    asio::post(executor, [next = std::move(next)] { next->timer.cancel(); });
  }
}

Admission::Status Admission::status() const {
  const std::scoped_lock lock(mutex_);
  return {limit_, in_flight_.load(), static_cast<unsigned>(waiting_.size()), refused_, timed_out_};
}

}  // namespace larder::session
