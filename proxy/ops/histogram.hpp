// Histogram: how long requests took, in buckets of doubling width.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace larder::ops {

struct LatencyBuckets {
  /// What the first bucket reaches to, itself included; each further one reaches twice as far.
  static constexpr std::chrono::nanoseconds first{25'000};
  /// The last one has no end.
  static constexpr std::size_t count = 22;

  /// What a bucket but the last reaches to, itself included.
  [[nodiscard]] static constexpr std::chrono::nanoseconds bound(std::size_t bucket) {
    return first * (std::int64_t{1} << bucket);
  }
  /// Where `took` belongs. Less than nothing (a clock that went back) is nothing.
  [[nodiscard]] static constexpr std::size_t index(std::chrono::nanoseconds took) {
    const auto beyond = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count() - 1, 0));
    const auto whole = static_cast<std::size_t>(
        std::bit_width(beyond / static_cast<std::uint64_t>(first.count())));
    return std::min(whole, count - 1);
  }
};

}  // namespace larder::ops
