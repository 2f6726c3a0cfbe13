// Rules diff: what differs between two sets of rules, and for which URLs. Rules are the same when
// they have the same name.
#pragma once

#include <string>
#include <vector>

#include "policy/route.hpp"

namespace larder::config {

struct ChangedKey {
  std::string key;
  std::string before;
  std::string after;
};

struct ChangedRule {
  const policy::RouteRule* before = nullptr;
  const policy::RouteRule* after = nullptr;
  std::vector<ChangedKey> keys;
  /// Its key, share, paths, vary or tags: what was stored under it is not used again.
  bool stores_anew = false;
};

/// An example of the URLs that fall under another rule than before; null: under none.
struct ChangedMatch {
  std::string path;
  const policy::RouteRule* before = nullptr;
  const policy::RouteRule* after = nullptr;
};

struct RulesDiff {
  std::vector<const policy::RouteRule*> removed;
  std::vector<const policy::RouteRule*> added;
  /// Of `after`: those that stand elsewhere among the rules that both have.
  std::vector<const policy::RouteRule*> moved;
  std::vector<ChangedRule> changed;
  std::vector<ChangedMatch> matches;  ///< one for each pattern and rule that it now falls under

  [[nodiscard]] bool is_empty() const {
    return removed.empty() && added.empty() && moved.empty() && changed.empty() && matches.empty();
  }
};

/// Pointers into `before` and `after`.
[[nodiscard]] RulesDiff compare(const policy::Routes& before, const policy::Routes& after);

}  // namespace larder::config
