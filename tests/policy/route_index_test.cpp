// Route index: the first rule that matches holds, whichever way the walk finds it.
#include "policy/route_index.hpp"

#include <array>
#include <random>
#include <string>

#include <doctest/doctest.h>

using namespace larder::policy;

namespace {

/// Parameters are told to a rule whose key or tags name some.
void name_parameters(RouteRule& rule) {
  rule.key = std::get<KeyTemplate>(parse_key_template("{path}{any}"));
}

RouteRule rule(const char* name, std::initializer_list<const char*> paths) {
  RouteRule made;
  made.name = name;
  for (const char* path : paths)
    made.paths.push_back(std::get<PathPattern>(parse_path_pattern(path)));
  name_parameters(made);
  return made;
}

/// Rule after rule, each of its patterns: what the index must agree with.
RouteMatch match_in_turn(const std::vector<RouteRule>& rules, std::string_view path) {
  RouteMatch match;
  for (const RouteRule& one : rules) {
    for (const PathPattern& pattern : one.paths) {
      if (!pattern.matches(path, match.parameters)) continue;
      match.rule = &one;
      return match;
    }
  }
  return match;
}

}  // namespace

TEST_CASE("match: first match wins, parameters are the winner's") {
  const Routes routes{{rule("featured", {"/api/items/featured/"}),
                       rule("items", {"/api/items/", "/api/items/<slug:item>/"}),
                       rule("numbered", {"/api/items/<int:pk>/"}),
                       rule("shops", {"/<slug:shop>/x/"})}};
  const RouteIndex index(routes.rules);
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
    const RouteMatch match = index.match(path);
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

TEST_CASE("match: parameters are told where the rule's key or tags name some") {
  const auto parameters_of = [](const char* key, const char* tag) {
    RouteRule made = rule("items", {"/items/<int:pk>/"});
    made.key = std::get<KeyTemplate>(parse_key_template(key));
    made.tags.push_back(std::get<KeyTemplate>(parse_key_template(tag)));
    const Routes routes{{made}};
    return RouteIndex(routes.rules).match("/items/3/").parameters.size();
  };
  CHECK(parameters_of("{path}", "items") == 0);
  CHECK(parameters_of("item {pk}", "items") == 1);
  CHECK(parameters_of("{path}", "item:{pk}") == 1);
}

TEST_CASE("match: no rules, no match") {
  const std::vector<RouteRule> none;
  CHECK(RouteIndex(none).match("/").rule == nullptr);
}

TEST_CASE("match: what another way through the trie reaches") {
  const Routes routes{{rule("behind", {"/<str:a>/b/c/"}), rule("before", {"/a/<path:rest>"}),
                       rule("later", {"/a/b/c/"}), rule("within", {"/a-<int:n>/<slug:s>.json"}),
                       rule("all", {"/<path:rest>"})}};
  const RouteIndex index(routes.rules);
  struct Case {
    std::string path;
    std::string expected;
  };
  const Case cases[] = {
      {"/a/b/c/", "behind"},
      {"/a/b/c", "before"},
      {"/a/b/", "before"},
      {"/a-3/list.json", "within"},
      {"/a-x/list.json", "all"},
      {"/x", "all"},
      {"/x//y", "all"},
      {"/a/", "all"},
      {"/", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    const RouteMatch match = index.match(c.path);
    CHECK((match.rule ? match.rule->name : std::string()) == c.expected);
  }
}

TEST_CASE("match: says what trying rule after rule would say") {
  // Few words, so that rules and paths often meet, and meet others' words with their converters.
  // "#" becomes a number, since names must differ within a pattern.
  static constexpr std::array segments = {
      "a",        "b",         "12",         "a-12",       "<int:i#>",         "<slug:s#>",
      "<str:t#>", "<path:p#>", "a-<int:k#>", "<str:v#>.b", "<str:x#>-<int:y#>"};
  static constexpr std::array words = {"a", "b", "12", "a-12", "a.b", "", "7", "%C3%A9"};
  std::mt19937 random(7);
  const auto below = [&random](std::size_t bound) { return random() % bound; };
  std::size_t matched = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<RouteRule> rules(1 + below(12));
    for (RouteRule& made : rules) {
      std::string text = "/";
      const std::size_t count = below(4);
      for (std::size_t at = 0; at < count; ++at) {
        std::string segment = segments[below(segments.size())];
        for (char& letter : segment)
          if (letter == '#') letter = static_cast<char>('0' + at);
        text += segment + (at + 1 < count || below(2) == 0 ? "/" : "");
      }
      std::variant<PathPattern, PatternError> parsed = parse_path_pattern(text);
      if (PathPattern* pattern = std::get_if<PathPattern>(&parsed))
        made.paths.push_back(std::move(*pattern));
      name_parameters(made);
    }
    const RouteIndex index(rules);
    for (int tries = 0; tries < 100; ++tries) {
      std::string path = "/";
      const std::size_t count = below(5);
      for (std::size_t at = 0; at < count; ++at)
        path +=
            std::string(words[below(words.size())]) + (at + 1 < count || below(2) == 0 ? "/" : "");
      CAPTURE(path);
      const RouteMatch expected = match_in_turn(rules, path);
      const RouteMatch found = index.match(path);
      REQUIRE(found.rule == expected.rule);
      REQUIRE(found.parameters == expected.parameters);
      matched += found.rule ? 1 : 0;
    }
  }
  // The property is empty unless many paths match.
  CHECK(matched > 5000);
}
