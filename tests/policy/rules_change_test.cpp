#include "policy/rules_change.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

RouteRule rule(std::string name, std::uint64_t fingerprint, const char* evict_on = nullptr,
               std::vector<std::string> methods = {}) {
  RouteRule made;
  made.name = std::move(name);
  made.fingerprint = fingerprint;
  if (evict_on) {
    EvictOn entry;
    entry.path.text = evict_on;
    entry.methods = std::move(methods);
    made.evict_on.push_back(std::move(entry));
  }
  return made;
}

TEST_CASE("tags_of_changed_rules: whatever a rule stored goes with it") {
  struct Case {
    std::string_view name;
    std::vector<RouteRule> before;
    std::vector<RouteRule> after;
    Tags expected;
  };
  RouteRule slower = rule("a", 1);
  slower.ttl = seconds(60);
  const Case cases[] = {
      {"nothing has changed", {rule("a", 1), rule("b", 2)}, {rule("a", 1), rule("b", 2)}, {}},
      {"another order", {rule("a", 1), rule("b", 2)}, {rule("b", 2), rule("a", 1)}, {}},
      {"another ttl leaves what is stored as good as it was", {rule("a", 1)}, {slower}, {}},
      {"a rule has gone", {rule("a", 1), rule("b", 2)}, {rule("b", 2)}, {"r:a"}},
      {"a rule has come: it may have been here before", {}, {rule("a", 1)}, {"r:a"}},
      {"a rule means something else", {rule("a", 1)}, {rule("a", 2)}, {"r:a"}},
      {"a rule is called something else", {rule("a", 1)}, {rule("b", 1)}, {"r:a", "r:b"}},
      {"other writes evict it", {rule("a", 1)}, {rule("a", 1, "/admin/")}, {"r:a"}},
      {"by other methods", {rule("a", 1, "/x/")}, {rule("a", 1, "/x/", {"POST"})}, {"r:a"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(tags_of_changed_rules({c.before}, {c.after}) == c.expected);
  }
}

TEST_CASE("means_the_same: what a rule stored, or was found to be, still counts") {
  RouteRule slower = rule("a", 1, "/admin/");
  slower.ttl = seconds(60);
  CHECK(means_the_same(rule("a", 1, "/admin/"), slower));
  CHECK_FALSE(means_the_same(rule("a", 1), rule("a", 1, "/admin/")));
  CHECK_FALSE(means_the_same(rule("a", 1, "/x/", {"PUT"}), rule("a", 1, "/x/", {"POST"})));
  CHECK_FALSE(means_the_same(rule("a", 1), rule("a", 2)));
  CHECK_FALSE(means_the_same(rule("a", 1), rule("b", 1)));
}

}  // namespace
}  // namespace larder::policy
