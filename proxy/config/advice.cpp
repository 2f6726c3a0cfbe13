#include "config/advice.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "config/report.hpp"
#include "config/values.hpp"
#include "policy/pattern_search.hpp"

namespace larder::config {
namespace {

using policy::PathPattern;
using policy::PathSearch;
using policy::RouteRule;

/// Up to this a change that nobody evicts is soon forgotten.
constexpr std::chrono::seconds long_unseen = std::chrono::hours(1);

struct Overlap {
  std::size_t path = 0;          ///< of the later rule
  std::size_t earlier_path = 0;  ///< of the earlier one
  std::string example;
};

/// Paths that both rules match, where each matches others as well.
std::optional<Overlap> find_overlap(const RouteRule& earlier, const RouteRule& later) {
  for (std::size_t path = 0; path < later.paths.size(); ++path) {
    for (std::size_t before = 0; before < earlier.paths.size(); ++before) {
      const PathPattern* one = &earlier.paths[before];
      const PathPattern* other = &later.paths[path];
      const PathSearch both = policy::find_path({one, other}, {});
      if (both.result != PathSearch::Result::found) continue;
      if (policy::includes(*one, *other) || policy::includes(*other, *one)) continue;
      return Overlap{path, before, both.path};
    }
  }
  return std::nullopt;
}

void advise_on_order(const LoadResult& loaded, std::size_t index, std::vector<Finding>& findings) {
  const std::vector<RouteRule>& rules = loaded.config.routes.rules;
  const RulePlace& place = loaded.places[index];
  for (std::size_t before = 0; before < index; ++before) {
    if (rules[before].mode == policy::Mode::off) continue;
    const std::optional<Overlap> overlap = find_overlap(rules[before], rules[index]);
    if (!overlap) continue;
    const RulePlace& other = loaded.places[before];
    const Place earlier = other.paths[overlap->earlier_path];
    const std::string line = "line " + std::to_string(earlier.line);
    Report(place.file, findings)
        .warning(place.paths[overlap->path],
                 "path: " + quote(rules[index].paths[overlap->path].text) + " shares paths with " +
                     quote(rules[before].paths[overlap->earlier_path].text) + " in " +
                     (other.file == place.file ? line : other.file + ", " + line) + ": " +
                     quote(overlap->example) + " falls under " + quote(rules[before].name) +
                     "; if that is not meant, give the paths they share a rule of their own above",
                 "overlap");
  }
}

void advise_on_eviction(const LoadResult& loaded, std::size_t index,
                        std::vector<Finding>& findings) {
  const RouteRule& rule = loaded.config.routes.rules[index];
  if (rule.mode == policy::Mode::off || rule.origin || rule.share != policy::Share::everyone)
    return;
  if (rule.ttl <= long_unseen || !rule.evict_on.empty() || !rule.tags.empty()) return;
  const RulePlace& place = loaded.places[index];
  Report(place.file, findings)
      .warning(place.ttl,
               "ttl: only writes to " + quote(rule.paths.front().text) +
                   " itself evict what is kept here for " + format_duration(rule.ttl) +
                   "; name in 'evict_on' where else it is changed, such as its page in the admin",
               "not-evicted");
}

}  // namespace

std::vector<Finding> advise(const LoadResult& loaded) {
  std::vector<Finding> findings;
  for (std::size_t index = 0; index < loaded.places.size(); ++index) {
    advise_on_order(loaded, index, findings);
    advise_on_eviction(loaded, index, findings);
  }
  return findings;
}

}  // namespace larder::config
