// Token bucket: so many a second, and so many at once. Pure; `now` is an argument.
#pragma once

#include <algorithm>
#include <chrono>

namespace larder::policy {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `most`: how many may come at once after a pause; at least one.
  constexpr TokenBucket(double per_second, double most)
      : per_second_(per_second), most_(most), left_(most) {}

  /// May one more come now? `now` never goes back.
  [[nodiscard]] bool take(Time now) {
    const double passed = std::chrono::duration<double>(now - last_).count();
    left_ = std::min(most_, left_ + passed * per_second_);
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double per_second_;
  double most_;
  double left_;
  Time last_{};
};

}  // namespace larder::policy
