#include "policy/change_causes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "policy/path_inference.hpp"
#include "policy/path_shape.hpp"

namespace larder::policy {

namespace {

constexpr double most_chance = 0.01;

/// "/admin/ai/aimodel/" of "/admin/ai/aimodel/gpt/change/": Django's admin ends what is done to one
/// object so, whatever its key looks like.
std::string_view without_admin_action(std::string_view prefix) {
  for (const std::string_view action : {"/change/", "/delete/", "/add/"}) {
    if (!prefix.ends_with(action)) continue;
    prefix.remove_suffix(action.size() - 1);
    if (action == "/add/") return prefix;
    const std::size_t slash = prefix.rfind('/', prefix.size() - 2);
    return slash == std::string_view::npos ? prefix : prefix.substr(0, slash + 1);
  }
  return prefix;
}

/// One segment up; empty where that would be the root or what stands below it for everything.
std::string_view above(std::string_view prefix) {
  if (prefix.size() < 2) return {};
  const std::size_t slash = prefix.rfind('/', prefix.size() - 2);
  if (slash == std::string_view::npos || std::count(prefix.begin(), prefix.end(), '/') < 4)
    return {};
  return prefix.substr(0, slash + 1);
}

/// The last of these within; none: nothing.
const Moment* last_within(std::span<const Moment> moments, const Interval& interval) {
  const auto behind = std::upper_bound(moments.begin(), moments.end(), interval.to);
  if (behind == moments.begin()) return nullptr;
  const auto last = std::prev(behind);
  return *last >= interval.from ? &*last : nullptr;
}

/// Writes come as they were sent.
bool may_be_written(std::string_view path) {
  return std::all_of(path.begin(), path.end(),
                     [](char letter) { return letter > ' ' && letter <= '~'; });
}

struct Evidence {
  std::uint64_t changes = 0;
  std::uint64_t writes = 0;
  double chance = 1;  ///< that it is one
};

Evidence judge(const WriteKind& kind, const std::vector<const Interval*>& changed,
               const std::vector<const Interval*>& unchanged, std::size_t kinds) {
  Evidence evidence;
  std::set<Moment> writes;
  for (const Interval* interval : changed) {
    const Moment* last = last_within(kind.answered, *interval);
    if (!last) continue;
    ++evidence.changes;
    writes.insert(*last);
  }
  evidence.writes = writes.size();
  if (writes.empty()) return evidence;
  const auto between = std::count_if(
      unchanged.begin(), unchanged.end(),
      [&](const Interval* interval) { return last_within(kind.answered, *interval) != nullptr; });
  // One more of each, so that what was never seen is not taken for impossible.
  const double usual = static_cast<double>(between + 1) / static_cast<double>(unchanged.size() + 2);
  evidence.chance =
      static_cast<double>(kinds) * std::pow(usual, static_cast<double>(writes.size()));
  return evidence;
}

}  // namespace

std::vector<WriteKind> group_writes(const std::deque<SeenWrite>& writes) {
  std::map<std::string_view, std::vector<Moment>> by_path;
  for (const SeenWrite& write : writes)
    if (may_be_written(write.path)) by_path[write.path].push_back(write.answered);
  std::vector<std::string_view> paths;
  paths.reserve(by_path.size());
  for (const auto& [path, moments] : by_path) paths.push_back(path);

  std::map<std::string, std::vector<Moment>, std::less<>> by_prefix;
  for (const InferredPattern& pattern : infer_patterns(paths)) {
    if (!pattern.is_writable) continue;
    const std::string_view prefix = without_admin_action(literal_prefix(pattern.text));
    const std::string_view wider = above(prefix);
    for (const std::size_t path : pattern.paths) {
      const std::vector<Moment>& moments = by_path[paths[path]];
      for (const std::string_view one : {prefix, wider}) {
        if (one.size() < 2) continue;
        std::vector<Moment>& all = by_prefix[std::string(one)];
        all.insert(all.end(), moments.begin(), moments.end());
      }
    }
  }
  std::vector<WriteKind> kinds;
  for (auto& [prefix, moments] : by_prefix) {
    std::sort(moments.begin(), moments.end());
    kinds.push_back({prefix, std::move(moments)});
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const WriteKind& a, const WriteKind& b) {
    return a.answered.size() > b.answered.size();
  });
  if (kinds.size() > most_write_kinds) kinds.resize(most_write_kinds);
  return kinds;
}

Causes find_causes(std::span<const Interval> intervals, std::span<const Moment> own_writes,
                   std::span<const WriteKind> kinds) {
  Causes causes;
  std::vector<const Interval*> changed;
  std::vector<const Interval*> unchanged;
  for (const Interval& interval : intervals) {
    if (!interval.has_changed) {
      unchanged.push_back(&interval);
      continue;
    }
    ++causes.changes;
    if (last_within(own_writes, interval)) {
      ++causes.evicted_anyway;
    } else {
      changed.push_back(&interval);
    }
  }
  while (!changed.empty()) {
    const WriteKind* likeliest = nullptr;
    Evidence best;
    for (const WriteKind& kind : kinds) {
      const Evidence evidence = judge(kind, changed, unchanged, kinds.size());
      if (evidence.chance >= most_chance) continue;
      // Of two that explain the same by the same writes, the narrower one.
      const bool is_better =
          !likeliest || evidence.chance < best.chance ||
          (evidence.chance == best.chance && kind.prefix.size() > likeliest->prefix.size());
      if (!is_better) continue;
      likeliest = &kind;
      best = evidence;
    }
    if (!likeliest) break;
    causes.named.push_back(
        {likeliest->prefix, best.changes, best.writes, likeliest->answered.size()});
    std::erase_if(changed, [&](const Interval* interval) {
      return last_within(likeliest->answered, *interval) != nullptr;
    });
  }
  causes.unexplained = changed.size();
  return causes;
}

}  // namespace larder::policy
