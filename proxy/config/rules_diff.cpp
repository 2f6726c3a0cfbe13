#include "config/rules_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "config/rule_text.hpp"
#include "policy/pattern_search.hpp"

namespace larder::config {
namespace {

using policy::PathPattern;
using policy::PathSearch;
using policy::RouteRule;

const RouteRule* find_named(const policy::Routes& routes, const std::string& name) {
  for (const RouteRule& rule : routes.rules)
    if (rule.name == name) return &rule;
  return nullptr;
}

/// Those of `after` that are not in a longest run that has kept its order.
std::vector<const RouteRule*> find_moved(const policy::Routes& before,
                                         const policy::Routes& after) {
  std::vector<const RouteRule*> now;
  std::vector<std::ptrdiff_t> was;  // its place in `before`
  for (const RouteRule& rule : after.rules) {
    const RouteRule* old = find_named(before, rule.name);
    if (!old) continue;
    now.push_back(&rule);
    was.push_back(old - before.rules.data());
  }
  const std::size_t count = now.size();
  std::vector<std::size_t> length(count, 1);  // of the longest run that ends here
  std::vector<std::size_t> previous(count, count);
  std::size_t last = count;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (was[j] < was[i] && length[j] + 1 > length[i]) {
        length[i] = length[j] + 1;
        previous[i] = j;
      }
    }
    if (last == count || length[i] > length[last]) last = i;
  }
  std::vector<bool> kept(count, false);
  for (; last != count; last = previous[last]) kept[last] = true;
  std::vector<const RouteRule*> moved;
  for (std::size_t i = 0; i < count; ++i)
    if (!kept[i]) moved.push_back(now[i]);
  return moved;
}

ChangedRule compare(const RouteRule& before, const RouteRule& after) {
  ChangedRule changed{.before = &before,
                      .after = &after,
                      .keys = {},
                      .stores_anew = before.fingerprint != after.fingerprint};
  const std::vector<RuleKeyText> old = describe_rule(before);
  const std::vector<RuleKeyText> now = describe_rule(after);
  for (std::size_t i = 0; i < old.size(); ++i)
    if (old[i] != now[i])
      changed.keys.push_back({std::string(old[i].key), old[i].value, now[i].value});
  return changed;
}

struct Ranked {
  const RouteRule* rule;
  const PathPattern* pattern;
};
std::vector<Ranked> patterns_of(const policy::Routes& routes) {
  std::vector<Ranked> all;
  for (const RouteRule& rule : routes.rules)
    for (const PathPattern& pattern : rule.paths) all.push_back({&rule, &pattern});
  return all;
}

bool has_common_paths(const PathPattern* one, const PathPattern* other) {
  return policy::find_path({one, other}, {}).result != PathSearch::Result::none;
}

/// Of `all` up to `end`: those that take any path of `pattern`.
void add_rivals(const std::vector<Ranked>& all, std::size_t end, const PathPattern* pattern,
                std::vector<const PathPattern*>& rivals) {
  for (std::size_t i = 0; i < end; ++i)
    if (has_common_paths(all[i].pattern, pattern)) rivals.push_back(all[i].pattern);
}

class Matches {
 public:
  Matches(const policy::Routes& before, const policy::Routes& after)
      : before_(patterns_of(before)), after_(patterns_of(after)) {}

  std::vector<ChangedMatch> find() {
    for (std::size_t old = 0; old < before_.size(); ++old) {
      for (std::size_t now = 0; now < after_.size(); ++now) {
        const Ranked& was = before_[old];
        const Ranked& is = after_[now];
        if (was.rule->name == is.rule->name || !has_common_paths(was.pattern, is.pattern)) continue;
        std::vector<const PathPattern*> rivals;
        add_rivals(before_, old, was.pattern, rivals);
        add_rivals(after_, now, was.pattern, rivals);
        note({was.pattern, is.pattern}, rivals, was.rule, is.rule);
      }
      std::vector<const PathPattern*> rivals;
      add_rivals(before_, old, before_[old].pattern, rivals);
      add_rivals(after_, after_.size(), before_[old].pattern, rivals);
      note({before_[old].pattern}, rivals, before_[old].rule, nullptr);
    }
    for (std::size_t now = 0; now < after_.size(); ++now) {
      std::vector<const PathPattern*> rivals;
      add_rivals(after_, now, after_[now].pattern, rivals);
      add_rivals(before_, before_.size(), after_[now].pattern, rivals);
      note({after_[now].pattern}, rivals, nullptr, after_[now].rule);
    }
    return std::move(found_);
  }

 private:
  void note(const std::vector<const PathPattern*>& matched,
            const std::vector<const PathPattern*>& rivals, const RouteRule* was,
            const RouteRule* is) {
    const PathSearch search = policy::find_path(matched, rivals);
    if (search.result != PathSearch::Result::found) return;
    found_.push_back({search.path, was, is});
  }

  const std::vector<Ranked> before_;
  const std::vector<Ranked> after_;
  std::vector<ChangedMatch> found_;
};

}  // namespace

RulesDiff compare(const policy::Routes& before, const policy::Routes& after) {
  RulesDiff diff;
  for (const RouteRule& rule : before.rules)
    if (!find_named(after, rule.name)) diff.removed.push_back(&rule);
  for (const RouteRule& rule : after.rules) {
    const RouteRule* old = find_named(before, rule.name);
    if (!old) {
      diff.added.push_back(&rule);
      continue;
    }
    ChangedRule changed = compare(*old, rule);
    if (!changed.keys.empty()) diff.changed.push_back(std::move(changed));
  }
  diff.moved = find_moved(before, after);
  diff.matches = Matches(before, after).find();
  return diff;
}

}  // namespace larder::config
