// A histogram of durations as HdrHistogram keeps it: buckets that grow with the value, so that any
// percentile is known to 1/64 of itself, from nanoseconds to minutes, in 18 kB.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace larder::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[index_of(nanoseconds)];
    ++count_;
    most_ = std::max(most_, nanoseconds);
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t most() const { return most_; }

  /// The least duration that `share` of all do not exceed; zero when there are none.
  [[nodiscard]] std::uint64_t percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > wanted) return std::min(highest_of(index), most_);
    }
    return most_;
  }

 private:
  static constexpr unsigned fine_bits = 6;
  static constexpr std::size_t fine = std::size_t{1} << fine_bits;

  static std::size_t index_of(std::uint64_t value) {
    if (value < fine) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - fine_bits - 1;
    const std::size_t index = (shift + 1) * fine + ((value >> shift) - fine);
    return std::min(index, std::size_t{buckets - 1});
  }
  static std::uint64_t highest_of(std::size_t index) {
    if (index < fine) return index;
    const std::size_t shift = index / fine - 1;
    return ((fine + index % fine + 1) << shift) - 1;
  }

  static constexpr std::size_t buckets = 36 * fine;
  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t most_ = 0;
};

}  // namespace larder::bench
