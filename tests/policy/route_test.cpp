// Routes: the first rule that matches holds.
#include "policy/route.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace larder::policy;

namespace {

RouteRule rule(const char* name, std::initializer_list<const char*> paths) {
  RouteRule made;
  made.name = name;
  for (const char* path : paths)
    made.paths.push_back(std::get<PathPattern>(parse_path_pattern(path)));
  return made;
}

}  // namespace

TEST_CASE("match: first match wins, parameters are the winner's") {
  const Routes routes{{rule("featured", {"/api/items/featured/"}),
                       rule("items", {"/api/items/", "/api/items/<slug:item>/"}),
                       rule("numbered", {"/api/items/<int:pk>/"}),
                       rule("shops", {"/<slug:shop>/x/"})}};
  struct Case {
    std::string path;
    std::string expected;
    std::string parameter;
  };
  const Case cases[] = {
      {"/api/items/featured/", "featured", ""},
      {"/api/items/", "items", ""},
      {"/api/items/3/", "items", "3"},
      {"/a/x/", "shops", "a"},
      {"/api/items", "", ""},
      {"/", "", ""},
      {"", "", ""},
      {"*", "", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    const std::string path = c.path;
    const RouteMatch match = routes.match(path);
    REQUIRE((match.rule != nullptr) == !c.expected.empty());
    if (!match.rule) {
      CHECK(match.parameters.empty());
      continue;
    }
    CHECK(match.rule->name == c.expected);
    REQUIRE(match.parameters.size() == (c.parameter.empty() ? 0 : 1));
    if (!c.parameter.empty()) CHECK(match.parameters.front().second == c.parameter);
  }
}

TEST_CASE("match: no rules, no match") {
  CHECK(Routes{}.match("/").rule == nullptr);
}
