#include "policy/path_inference.hpp"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "policy/path_pattern.hpp"

namespace larder::policy {
namespace {

/// Paths below `above` with so many different last segments.
std::vector<std::string> stories(const std::string& above, std::size_t count,
                                 const std::string& end = "/") {
  std::vector<std::string> paths;
  paths.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::string path = above + "story-";
    path += static_cast<char>('a' + i % 26);
    path += static_cast<char>('a' + i / 26);
    paths.push_back(path + end);
  }
  return paths;
}

std::vector<std::string> operator+(std::vector<std::string> some, std::vector<std::string> more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

std::vector<std::string> patterns_of(const std::vector<std::string>& paths) {
  const std::vector<std::string_view> views(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const InferredPattern& pattern : infer_patterns(views)) texts.push_back(pattern.text);
  return texts;
}

TEST_CASE("infer_patterns") {
  using Texts = std::vector<std::string>;
  struct Case {
    const char* name;
    Texts paths;
    Texts patterns;
  };
  const std::string uuid = "0000000a-0000-4000-8000-000000000001";
  const Case cases[] = {
      {"the root", {"/"}, {"/"}},
      {"a final slash is kept, and its absence", {"/api/a/", "/api/b"}, {"/api/a/", "/api/b"}},
      {"a number is an int",
       {"/api/items/", "/api/items/7/"},
       {"/api/items/", "/api/items/<int:pk>/"}},
      {"what looks like a UUID is one", {"/api/orders/" + uuid}, {"/api/orders/<uuid:pk>"}},
      {"a UUID in capitals is none",
       {"/api/orders/0000000A-0000-4000-8000-000000000001/"},
       {"/api/orders/0000000A-0000-4000-8000-000000000001/"}},
      {"converters before the last are named by what they are of",
       {"/api/teams/3/members/4/"},
       {"/api/teams/<int:teams_pk>/members/<int:pk>/"}},
      {"two in a row have names of their own",
       {"/a/1/2/3"},
       {"/a/<int:a_pk>/<int:a_pk2>/<int:pk>"}},
      {"literals below api are views, however many", stories("/api/v2/", 120),
       stories("/api/v2/", 120)},
      {"few literals below a collection may be views",
       Texts{"/api/news/"} + stories("/api/news/", 16),
       Texts{"/api/news/"} + stories("/api/news/", 16)},
      {"more are slugs",
       Texts{"/api/news/"} + stories("/api/news/", 17),
       {"/api/news/", "/api/news/<slug:slug>/"}},
      {"without a slash too",
       Texts{"/news"} + stories("/news/", 17, ""),
       {"/news", "/news/<slug:slug>"}},
      {"what is below them is theirs",
       Texts{"/news/"} + stories("/news/", 17, "/comments/"),
       {"/news/", "/news/<slug:slug>/comments/"}},
      {"where no collection is above it takes more", stories("/news/", 100),
       stories("/news/", 100)},
      {"as many as no site has views", stories("/news/", 101), {"/news/<slug:slug>/"}},
      {"what is no slug is a str",
       Texts{"/news/", "/news/a.html/"} + stories("/news/", 16),
       {"/news/", "/news/<str:name>/"}},
      {"numbers stand before slugs",
       Texts{"/news/", "/news/7/"} + stories("/news/", 17),
       {"/news/", "/news/<int:pk>/", "/news/<slug:slug>/"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Texts found = patterns_of(c.paths);
    Texts expected = c.patterns;
    const bool is_in_order = expected.size() < 15;  // where literals are many, theirs says nothing
    if (!is_in_order) {
      std::sort(found.begin(), found.end());
      std::sort(expected.begin(), expected.end());
    }
    CHECK(found == expected);
  }
}

TEST_CASE("infer_patterns: each pattern takes the paths it was made from") {
  const std::vector<std::string> paths =
      std::vector<std::string>{"/", "/a/1/2/3", "/api/teams/3/members/4/", "/news/a,b/", "/news/"} +
      stories("/news/", 30) + stories("/news/", 30, "/comments") + stories("/news/", 5, "/7/");
  const std::vector<std::string_view> views(paths.begin(), paths.end());
  for (const InferredPattern& inferred : infer_patterns(views)) {
    CAPTURE(inferred.text);
    const auto parsed = parse_path_pattern(inferred.text);
    REQUIRE(std::holds_alternative<PathPattern>(parsed));
    for (const std::size_t path : inferred.paths)
      CHECK(std::get<PathPattern>(parsed).matches(views[path]));
  }
}

TEST_CASE("infer_patterns: what a rules file would have to decode is said to be so") {
  const std::string_view paths[] = {"/api/gr%C3%B6%C3%9Fe/", "/api/a/"};
  for (const InferredPattern& inferred : infer_patterns(paths))
    CHECK(inferred.is_writable == (inferred.text == "/api/a/"));
}

}  // namespace
}  // namespace larder::policy
