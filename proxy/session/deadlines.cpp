#include "session/deadlines.hpp"

#include <algorithm>

namespace larder::session {

Deadlines::Deadlines(asio::io_context& io)
    : timer_(io.get_executor()), origin_(SteadyClock::now()) {}

Deadlines::~Deadlines() {
  for (Slot& slot : wheel_) slot.clear();
}

std::uint64_t Deadlines::tick_of(SteadyClock::time_point time) const {
  // Rounded up: a deadline may come late by one tick, never early.
  return static_cast<std::uint64_t>((time - origin_ + resolution - SteadyClock::duration{1}) /
                                    resolution);
}

void Deadlines::set(Deadline& deadline, std::chrono::milliseconds after) {
  deadline.expired_ = false;
  if (after.count() <= 0) {
    deadline.at_ = SteadyClock::time_point::max();
    return;
  }
  deadline.at_ = SteadyClock::now() + after;
  if (deadline.is_linked() && deadline.tick_ <= tick_of(deadline.at_)) return;
  link(deadline);
}

void Deadlines::clear(Deadline& deadline) {
  deadline.expired_ = false;
  deadline.at_ = SteadyClock::time_point::max();
}

void Deadlines::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Deadlines::link(Deadline& deadline) {
  if (deadline.is_linked()) deadline.unlink();
  const std::uint64_t due = std::max(tick_of(deadline.at_), current_ + 1);
  deadline.tick_ = std::min(due, current_ + slots - 1);
  wheel_[deadline.tick_ % slots].push_back(deadline);
  schedule(deadline.tick_);
}

void Deadlines::schedule(std::uint64_t tick) {
  if (stopped_ || (scheduled_ != 0 && scheduled_ <= tick)) return;
  scheduled_ = tick;
  timer_.expires_at(origin_ + tick * resolution);
  timer_.async_wait([this](const error_code& error) {
    if (error || stopped_) return;
    scheduled_ = 0;
    advance();
  });
}

void Deadlines::advance() {
  const SteadyClock::time_point now = SteadyClock::now();
  const auto reached = static_cast<std::uint64_t>((now - origin_) / resolution);
  while (current_ < reached) {
    ++current_;
    Slot due;
    due.swap(wheel_[current_ % slots]);
    while (!due.empty()) {
      Deadline& deadline = due.front();
      due.pop_front();
      if (deadline.at_ == SteadyClock::time_point::max()) continue;
      if (deadline.at_ > now) {
        link(deadline);
        continue;
      }
      deadline.expired_ = true;
      deadline.at_ = SteadyClock::time_point::max();
      deadline.on_expiry();
    }
  }
  for (std::uint64_t tick = current_ + 1; tick < current_ + slots; ++tick) {
    if (!wheel_[tick % slots].empty()) {
      schedule(tick);
      return;
    }
  }
}

}  // namespace larder::session
