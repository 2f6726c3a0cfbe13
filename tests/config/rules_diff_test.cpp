#include "config/rules_diff.hpp"

#include <string>

#include <doctest/doctest.h>

#include "config/rule_text.hpp"
#include "config/rules.hpp"
#include "files.hpp"

using namespace larder;
using namespace larder::config;

namespace {

policy::Routes routes_of(const std::string& rules) {
  const LoadResult loaded = test::load_text("rules:\n" + rules);
  REQUIRE(loaded.ok());
  return loaded.config.routes;
}

std::string name_of(const policy::RouteRule* rule) {
  return rule ? rule->name : "none";
}

std::string describe(const std::string& old_rules, const std::string& new_rules) {
  const policy::Routes before = routes_of(old_rules);
  const policy::Routes after = routes_of(new_rules);
  const RulesDiff diff = compare(before, after);
  std::string text;
  for (const policy::RouteRule* rule : diff.removed) text += "-" + rule->name + "\n";
  for (const policy::RouteRule* rule : diff.added) text += "+" + rule->name + "\n";
  for (const policy::RouteRule* rule : diff.moved) text += "^" + rule->name + "\n";
  for (const ChangedRule& changed : diff.changed) {
    text += "~" + changed.after->name + (changed.stores_anew ? " anew" : "") + "\n";
    for (const ChangedKey& key : changed.keys)
      text += " " + key.key + ": " + key.before + " -> " + key.after + "\n";
  }
  for (const ChangedMatch& match : diff.matches)
    text += match.path + ": " + name_of(match.before) + " -> " + name_of(match.after) + "\n";
  CHECK(text.empty() == diff.is_empty());
  return text;
}

const std::string a = "  - {name: a, path: /a/<int:pk>/, ttl: 1h}\n";
const std::string b = "  - {name: b, path: /a/<slug:name>/, ttl: 1m}\n";

}  // namespace

TEST_CASE("rules are compared by name, key by key, and by what falls under them") {
  CHECK(describe(a + b, a + b).empty());
  CHECK(describe(a, "  - {name: a, path: /a/<int:pk>/, ttl: 2h}\n") == "~a\n ttl: 1h -> 2h\n");
  CHECK(describe(a, "  - {name: a, path: /a/<int:pk>/, ttl: 1h, share: everyone}\n") ==
        "~a anew\n share: anonymous -> everyone\n");
  CHECK(describe(a, a + b) == "+b\n/a/x/: none -> b\n");
  CHECK(describe(a + b, b) == "-a\n/a/1/: a -> b\n");
  // What stands above takes what the other had.
  CHECK(describe(a + b, b + a) == "^a\n/a/1/: a -> b\n");
  CHECK(describe(b, a + b) == "+a\n/a/1/: b -> a\n");
}

TEST_CASE("every key of a rule is told") {
  const policy::Routes routes = routes_of(a);
  const std::vector<RuleKeyText> told = describe_rule(routes.rules.front());
  std::vector<std::string_view> keys;
  for (const RuleKeyText& one : told) {
    keys.push_back(one.key);
    CHECK_FALSE(one.value.empty());
  }
  CHECK(keys == rule_keys());
}
