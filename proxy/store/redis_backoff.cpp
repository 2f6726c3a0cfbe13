#include "store/redis_backoff.hpp"

#include <algorithm>

namespace larder::store {

void RedisBackoff::ready(TimePoint now) {
  in_use_ = true;
  ready_ = now;
  answered_ = now;
}

void RedisBackoff::lost(Loss loss, TimePoint now) {
  if (in_use_ && now - ready_ >= lasting_after) failures_ = 0;
  if (in_use_ && answered_ - ready_ >= steady_after) overdue_ = 0;
  // A greeting that was overdue kept nobody waiting.
  last_ = in_use_ ? loss : Loss::free;
  in_use_ = false;
  ++failures_;
  if (last_ == Loss::overdue) ++overdue_;
}

RedisBackoff::milliseconds RedisBackoff::pause(double chance) const {
  milliseconds most = std::min(
      longest_pause, first_pause * (1 << std::min(failures_ == 0 ? 0 : failures_ - 1, 5U)));
  // The first is forgiven: whoever was stopped for a moment is back soon.
  if (last_ == Loss::overdue && overdue_ > 1)
    most = std::min(longest_costly_pause, longest_pause * (1 << std::min(overdue_ - 2, 4U)));
  return most / 2 + std::chrono::duration_cast<milliseconds>(chance * (most - most / 2));
}

}  // namespace larder::store
