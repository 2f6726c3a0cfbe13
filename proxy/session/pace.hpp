// Pace: is a peer fast enough, averaged over the time that is spent waiting for it?
//
// Only waiting counts: whoever is asked for nothing is not slow, however little it sends, so that a
// stream whose events are far between costs its reader nothing. Pure; callers measure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace larder::session {

using std::chrono::milliseconds;

class Pace {
 public:
  /// None: nobody is too slow.
  Pace() = default;
  /// `grace` may be spent waiting before the rate counts. `bytes_per_second` zero: none.
  Pace(std::uint64_t bytes_per_second, milliseconds grace)
      : bytes_per_second_(bytes_per_second), grace_(grace) {}

  void note(std::uint64_t bytes_moved, std::chrono::nanoseconds waited) {
    moved_ += bytes_moved;
    waited_ += waited;
  }

  /// For how long to wait now: `timeout` (zero: for ever) or what the rate leaves, if that is less.
  /// Nothing: the peer is too slow.
  [[nodiscard]] std::optional<milliseconds> patience(milliseconds timeout) const {
    if (bytes_per_second_ == 0) return timeout;
    // A bound far beyond any connection's life, and far below an overflow.
    constexpr std::uint64_t longest = 1'000'000'000;
    const std::chrono::seconds earned(std::min(moved_ / bytes_per_second_, longest));
    const auto left = std::chrono::ceil<milliseconds>(
        std::max<std::chrono::nanoseconds>(grace_, earned) - waited_);
    if (left.count() <= 0) return std::nullopt;
    return timeout.count() > 0 ? std::min(timeout, left) : left;
  }

 private:
  std::uint64_t bytes_per_second_ = 0;
  milliseconds grace_{0};
  std::uint64_t moved_ = 0;
  std::chrono::nanoseconds waited_{0};
};

}  // namespace larder::session
