// History: what the counters came to, step by step, for the page's curves. The last hour.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "ops/counters.hpp"

namespace larder::ops {

/// One step: what was added in it.
struct HistoryStep {
  std::chrono::sys_seconds until{};
  std::array<std::uint64_t, cache_results> results{};  ///< requests, by policy::CacheResult
  std::array<std::uint64_t, LatencyBuckets::count> took{};
  std::uint64_t failures = 0;  ///< requests that the origin failed

  [[nodiscard]] std::uint64_t requests() const;
  [[nodiscard]] std::uint64_t hits() const;  ///< fresh and stale
};

/// What this part of the requests took at most, by the bucket's upper end; nothing: there were
/// none. `part`: above 0, at most 1.
[[nodiscard]] std::optional<std::chrono::nanoseconds> quantile(
    const std::array<std::uint64_t, LatencyBuckets::count>& took, double part);

/// Of one thread.
class History {
 public:
  static constexpr std::chrono::seconds step{10};
  static constexpr std::size_t most = 360;  ///< steps kept

  /// To be called every `step`.
  void take(const Totals& totals, std::chrono::sys_seconds now);
  [[nodiscard]] const std::deque<HistoryStep>& steps() const { return steps_; }

 private:
  std::optional<HistoryStep> before_;  ///< the sums at the last call
  std::deque<HistoryStep> steps_;
};

/// A JSON object: {"step": 10, "steps": [{"until", "requests", "hits", "failures", "p50", "p99"}]},
/// times in seconds.
[[nodiscard]] std::string format_json(const History& history);

}  // namespace larder::ops
