#include "policy/rules_change.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace larder::policy {

namespace {

/// All that must be the same of a rule for what it stored to be of use, and to be evicted alike.
std::string make_identity(const RouteRule& rule) {
  // A name has no line end: config reads it from one line.
  std::string identity = rule.name + "\n" + std::to_string(rule.fingerprint);
  for (const EvictOn& evict_on : rule.evict_on) {
    identity += "\n" + evict_on.path.text;
    for (const std::string& method : evict_on.methods) identity += " " + method;
  }
  return identity;
}

std::set<std::string> identities(const Routes& routes) {
  std::set<std::string> identities;
  for (const RouteRule& rule : routes.rules) identities.insert(make_identity(rule));
  return identities;
}

}  // namespace

Tags tags_of_changed_rules(const Routes& before, const Routes& after) {
  const std::set<std::string> old = identities(before);
  const std::set<std::string> now = identities(after);
  std::vector<std::string> changed;
  std::set_symmetric_difference(old.begin(), old.end(), now.begin(), now.end(),
                                std::back_inserter(changed));
  Tags tags;
  for (const std::string& identity : changed)
    tags.push_back("r:" + identity.substr(0, identity.find('\n')));
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

bool means_the_same(const RouteRule& before, const RouteRule& after) {
  return make_identity(before) == make_identity(after);
}

}  // namespace larder::policy
