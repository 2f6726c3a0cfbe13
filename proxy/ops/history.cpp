#include "ops/history.hpp"

#include <cmath>
#include <numeric>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace larder::ops {

std::uint64_t HistoryStep::requests() const {
  return std::accumulate(results.begin(), results.end(), std::uint64_t{0});
}

std::uint64_t HistoryStep::hits() const {
  return results[static_cast<std::size_t>(policy::CacheResult::hit)] +
         results[static_cast<std::size_t>(policy::CacheResult::stale)];
}

std::optional<std::chrono::nanoseconds> quantile(
    const std::array<std::uint64_t, LatencyBuckets::count>& took, double part) {
  const std::uint64_t all = std::accumulate(took.begin(), took.end(), std::uint64_t{0});
  if (all == 0) return std::nullopt;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < took.size(); ++i) {
    seen += took[i];
    if (seen >= wanted) return LatencyBuckets::bound(i);
  }
  return LatencyBuckets::bound(took.size() - 1);
}

void History::take(const Totals& totals, std::chrono::sys_seconds now) {
  HistoryStep sums{.until = now};
  for (const RuleTotals& rule : totals.rules) {
    for (std::size_t i = 0; i < cache_results; ++i) {
      sums.results[i] += rule.outcomes[i].requests;
      for (std::size_t j = 0; j < LatencyBuckets::count; ++j)
        sums.took[j] += rule.outcomes[i].took[j];
    }
  }
  for (const std::uint64_t failed : totals.failures) sums.failures += failed;
  if (before_) {
    HistoryStep added = sums;
    for (std::size_t i = 0; i < cache_results; ++i) added.results[i] -= before_->results[i];
    for (std::size_t j = 0; j < LatencyBuckets::count; ++j) added.took[j] -= before_->took[j];
    added.failures -= before_->failures;
    steps_.push_back(added);
    if (steps_.size() > most) steps_.pop_front();
  }
  before_ = sums;
}

namespace {

boost::json::value in_seconds(const std::optional<std::chrono::nanoseconds>& time) {
  if (!time) return nullptr;
  return std::chrono::duration<double>(*time).count();
}

}  // namespace

std::string format_json(const History& history) {
  boost::json::array steps;
  for (const HistoryStep& step : history.steps())
    steps.push_back({{"until", step.until.time_since_epoch().count()},
                     {"requests", step.requests()},
                     {"hits", step.hits()},
                     {"failures", step.failures},
                     {"p50", in_seconds(quantile(step.took, 0.5))},
                     {"p99", in_seconds(quantile(step.took, 0.99))}});
  return boost::json::serialize(
             boost::json::object{{"step", History::step.count()}, {"steps", std::move(steps)}}) +
         "\n";
}

}  // namespace larder::ops
