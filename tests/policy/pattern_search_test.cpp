#include "policy/pattern_search.hpp"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/target.hpp"

namespace larder::policy {
namespace {

PathPattern make(const std::string& text) {
  std::variant<PathPattern, PatternError> parsed = parse_path_pattern(text);
  REQUIRE_MESSAGE(std::holds_alternative<PathPattern>(parsed), text);
  return std::get<PathPattern>(std::move(parsed));
}

std::string find(const std::vector<std::string>& matched,
                 const std::vector<std::string>& unmatched = {}) {
  std::vector<PathPattern> kept;
  for (const auto* list : {&matched, &unmatched})
    for (const std::string& text : *list) kept.push_back(make(text));
  std::vector<const PathPattern*> in;
  std::vector<const PathPattern*> out;
  for (std::size_t i = 0; i < kept.size(); ++i) (i < matched.size() ? in : out).push_back(&kept[i]);
  const PathSearch search = find_path(in, out);
  REQUIRE(search.result != PathSearch::Result::unknown);
  return search.result == PathSearch::Result::found ? search.path : "none";
}

}  // namespace

TEST_CASE("one pattern takes all that another matches") {
  struct Case {
    std::string name;
    std::string wide;
    std::string narrow;
    bool expected;
  };
  const Case cases[] = {
      {"a pattern itself, under another name", "/a/<int:x>/", "/a/<int:y>/", true},
      {"a literal within a converter", "/a/<str:x>/", "/a/new/", true},
      {"a literal that is no number", "/a/<int:x>/", "/a/new/", false},
      {"numbers are slugs", "/a/<slug:x>/", "/a/<int:y>/", true},
      {"slugs are not numbers", "/a/<int:x>/", "/a/<slug:y>/", false},
      {"uuids are slugs", "/a/<slug:x>/", "/a/<uuid:y>/", true},
      {"slugs are segments", "/a/<str:x>/", "/a/<slug:y>/", true},
      {"a segment may have dots, a slug none", "/a/<slug:x>/", "/a/<str:y>/", false},
      {"any path takes segments", "/a/<path:x>", "/a/<str:y>/<int:z>/", true},
      {"a path that ends in a slash is not any path", "/a/<path:x>/", "/a/<path:y>", false},
      {"any path takes one that ends in a slash", "/a/<path:x>", "/a/<path:y>/", true},
      {"and not its own beginning", "/a/<path:x>", "/a/", false},
      {"two numbers in a segment are a segment", "/a/<str:x>/", "/a/<int:y>-<int:z>/", true},
      {"two numbers with a dash are a slug", "/a/<slug:x>/", "/a/<int:y>-<int:z>/", true},
      {"a segment may be something else", "/a/<int:y>-<int:z>/", "/a/<str:x>/", false},
      {"two numbers side by side are numbers", "/a/<int:x>/", "/a/<int:y><int:z>/", true},
      {"a number of one digit is not two", "/a/<int:y><int:z>/", "/a/<int:x>/", false},
      {"letters beyond ASCII are in segments", "/a/<str:x>/", "/a/größe/", true},
      {"and in no slug", "/a/<slug:x>/", "/a/größe/", false},
      {"dots make no segment by themselves", "/a/<str:x>x/", "/a/.<str:y>x/", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(includes(make(c.wide), make(c.narrow)) == c.expected);
  }
}

TEST_CASE("several patterns together take all of one") {
  CHECK(find({"/a/<int:x>"}, {"/a/<int:y>/", "/b/<int:z>"}) == "/a/1");
  // Whatever ends in a slash, and whatever does not.
  CHECK(find({"/a/<path:x>"}, {"/a/<path:x>/", "/a/<str:y>"}) == "/a/1/1");
  CHECK(find({"/a/<path:x>/"}, {"/a/<str:y>/", "/a/<str:y>/<path:z>/"}) == "none");
}

TEST_CASE("an example is a path that can be asked for") {
  CHECK(find({"/api/<str:a>/list/", "/api/items/<str:b>/"}) == "/api/items/list/");
  CHECK(find({"/a/<uuid:x>/"}) == "/a/11111111-1111-1111-1111-111111111111/");
  CHECK(find({"/a/<int:x>/", "/a/<slug:y>/"}, {"/a/1/"}) == "/a/2/");
  CHECK(find({"/a/<int:x>/", "/b/<int:y>/"}) == "none");
  // A segment of one dot or two is in no path of the normal form.
  CHECK(find({"/a/<str:x>/"}, {"/a/<slug:y>/"}) == "/a/~/");
}

TEST_CASE("what the search says, matching says too") {
  const std::vector<std::string> parts{"a", "a/", "<int:%>", "<slug:%>", "<str:%>", "<path:%>",
                                       "-", "/",  "b1",      "<uuid:%>", "ö"};
  std::mt19937 random(7);
  const auto draw = [&]() -> std::optional<PathPattern> {
    std::string text = "/";
    for (std::size_t i = 0, count = 1 + random() % 4; i < count; ++i) {
      std::string part = parts[random() % parts.size()];
      if (const std::size_t at = part.find('%'); at != std::string::npos)
        part.replace(at, 1, "n" + std::to_string(i));
      text += part;
    }
    std::variant<PathPattern, PatternError> parsed = parse_path_pattern(text);
    if (auto* pattern = std::get_if<PathPattern>(&parsed)) return std::move(*pattern);
    return std::nullopt;
  };
  std::size_t overlaps = 0;
  std::size_t inclusions = 0;
  std::size_t given_up = 0;  // two uuids beside segments that may begin anywhere
  std::vector<PathPattern> patterns;
  while (patterns.size() < 60)
    if (std::optional<PathPattern> pattern = draw()) patterns.push_back(*std::move(pattern));
  for (const PathPattern& one : patterns) {
    const PathSearch own = find_path({&one}, {});
    if (own.result != PathSearch::Result::found) continue;  // such as "/a//"
    for (const PathPattern& other : patterns) {
      CAPTURE(one.text);
      CAPTURE(other.text);
      const PathSearch both = find_path({&one, &other}, {});
      const PathSearch alone = find_path({&one}, {&other});
      if (both.result == PathSearch::Result::unknown ||
          alone.result == PathSearch::Result::unknown) {
        ++given_up;
        continue;
      }
      // Each path is matched by the other or is not.
      CHECK(
          (both.result == PathSearch::Result::found || alone.result == PathSearch::Result::found));
      if (alone.result == PathSearch::Result::none) {
        ++inclusions;
        CHECK(other.matches(own.path));
      } else {
        CHECK(one.matches(alone.path));
        CHECK_FALSE(other.matches(alone.path));
      }
      if (both.result == PathSearch::Result::none) {
        CHECK_FALSE(other.matches(own.path));
      } else {
        ++overlaps;
        CHECK(one.matches(both.path));
        CHECK(other.matches(both.path));
        std::string normal;
        CHECK(http::normalise_path(both.path, normal) == http::Ambiguity::none);
        CHECK(normal == both.path);
      }
    }
  }
  CHECK(overlaps > 200);
  CHECK(inclusions > 100);
  CHECK(given_up < 60);
}

}  // namespace larder::policy
