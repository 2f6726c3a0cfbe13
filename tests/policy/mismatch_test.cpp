#include "policy/mismatch.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::policy {

TEST_CASE("a mismatch is told by the first segment that differs") {
  struct Case {
    std::string pattern;
    std::string path;
    std::string expected;
  };
  const Case cases[] = {
      {"/api/items/<int:pk>/", "/api/items/7/", ""},
      {"/api/items/<int:pk>/", "/api/items/x/", "path differs at segment 3: 'x' is no <int:pk>"},
      {"/api/items/", "/api/things/", "path differs at segment 2: 'things' is not 'items'"},
      {"/api/items/v<int:a>/", "/api/items/w1/",
       "path differs at segment 3: 'w1' is not 'v<int:a>'"},
      {"/api/items/<pk>/", "/api/items/", "path ends before segment 3, <str:pk>"},
      {"/api/items/new/", "/api/items", "path ends before segment 3, new"},
      {"/api/items/", "/api/items", "path has no final '/', the rule's has one"},
      {"/api/items", "/api/items/", "path has a final '/', the rule's has none"},
      {"/api/items/", "/api/items/7/", "path goes on at segment 3: '7/'"},
      {"/api/items", "/api/items/7/", "path goes on at segment 3: '7/'"},
      {"/api/<path:rest>/raw/", "/api/a/b/",
       "path differs at segment 2: 'a/b/' is not "
       "'<path:rest>/raw/'"},
      {"/api/<path:rest>", "/api/", "path ends before segment 2, <path:rest>"},
      {"/", "/api/", "path goes on at segment 1: 'api/'"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.path);
    const auto pattern = std::get<PathPattern>(parse_path_pattern(c.pattern));
    CHECK(describe_mismatch(pattern, c.path) == c.expected);
    CHECK(pattern.matches(c.path) == c.expected.empty());
  }
}

}  // namespace larder::policy
