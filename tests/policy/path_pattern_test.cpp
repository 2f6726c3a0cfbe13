// Path patterns: Django's path syntax, prefixes as include() has them, bounded work.
#include "policy/path_pattern.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

using namespace larder::policy;

namespace {

PathPattern pattern(std::string_view text) {
  const auto parsed = parse_path_pattern(text);
  if (const auto* wrong = std::get_if<PatternError>(&parsed)) FAIL(wrong->message);
  return std::get<PathPattern>(parsed);
}

/// "pk=3 slug=a", or "no match".
std::string match(std::string_view text, std::string_view path) {
  PathParameters parameters{{"left", "over"}};
  const PathPattern compiled = pattern(text);
  const bool matched = compiled.matches(path, parameters);
  CHECK(matched == compiled.matches(path));
  if (!matched) return "no match";
  std::string shown;
  for (const auto& [name, value] : parameters) {
    if (!shown.empty()) shown += ' ';
    shown += std::string(name) + "=" + std::string(value);
  }
  return shown;
}

struct Match {
  std::string name;
  std::string pattern;
  std::string path;
  std::string expected;
};

}  // namespace

TEST_CASE("a pattern matches the whole path as Django's path() does") {
  const Match cases[] = {
      {"literal", "/api/ai/models/", "/api/ai/models/", ""},
      {"literal without the final slash is another", "/api/ai/models/", "/api/ai/models",
       "no match"},
      {"nothing below", "/api/", "/api/x", "no match"},
      {"root", "/", "/", ""},
      {"int", "/a/<int:pk>/", "/a/0123/", "pk=0123"},
      {"int is no minus", "/a/<int:pk>/", "/a/-1/", "no match"},
      {"int is not empty", "/a/<int:pk>/", "/a//", "no match"},
      {"int ends at a letter", "/a/<int:pk>/", "/a/3x/", "no match"},
      {"int at the end", "/a/<int:pk>", "/a/3", "pk=3"},
      {"int at the end leaves no slash", "/a/<int:pk>", "/a/3/", "no match"},
      {"slug", "/a/<slug:s>/", "/a/A-z_9/", "s=A-z_9"},
      {"slug has no dot", "/a/<slug:s>/", "/a/a.b/", "no match"},
      {"str", "/a/<str:s>/", "/a/a.b:c~/", "s=a.b:c~"},
      {"no converter means str", "/a/<s>/", "/a/x/", "s=x"},
      {"str is one segment", "/a/<str:s>/", "/a/x/y/", "no match"},
      {"str is not empty", "/a/<str:s>", "/a/", "no match"},
      {"uuid", "/a/<uuid:id>/", "/a/075194d3-6885-417e-a8a8-6c931e272f00/",
       "id=075194d3-6885-417e-a8a8-6c931e272f00"},
      {"uuid is lower case", "/a/<uuid:id>/", "/a/075194D3-6885-417e-a8a8-6c931e272f00/",
       "no match"},
      {"uuid needs its dashes", "/a/<uuid:id>/", "/a/075194d36885-417e-a8a8-6c931e272f0000/",
       "no match"},
      {"uuid cut short", "/a/<uuid:id>", "/a/075194d3-6885-417e", "no match"},
      {"path takes slashes", "/a/<path:p>", "/a/b/c/", "p=b/c/"},
      {"path is not empty", "/a/<path:p>", "/a/", "no match"},
      {"path and a tail", "/a/<path:p>/edit/", "/a/b/edit/c/edit/", "p=b/edit/c"},
      {"two paths: the first takes most", "/<path:p>/x/<path:q>", "/1/x/2/x/3", "p=1/x/2 q=3"},
      {"two converters in a segment", "/a/<int:x>-<int:y>/", "/a/1-2/", "x=1 y=2"},
      {"slugs and a dash between: the first takes most", "/a/<slug:x>-<slug:y>/", "/a/b-c-d/",
       "x=b-c y=d"},
      {"str before an ending", "/f/<str:name>.<slug:ending>", "/f/a.tar.gz",
       "name=a.tar ending=gz"},
      {"converters side by side", "/a/<int:x><str:y>/", "/a/123/", "x=12 y=3"},
      {"converters side by side, too short", "/a/<int:x><str:y>/", "/a/1/", "no match"},
      {"uuid before a slug", "/a/<uuid:id><slug:s>/", "/a/075194d3-6885-417e-a8a8-6c931e272f00x/",
       "id=075194d3-6885-417e-a8a8-6c931e272f00 s=x"},
      {"search goes on to a uuid", "/a/<str:s>-<uuid:id>/",
       "/a/x-075194d3-6885-417e-a8a8-6c931e272f00/", "s=x id=075194d3-6885-417e-a8a8-6c931e272f00"},
      {"non-ASCII literal", "/größe/", "/gr%C3%B6%C3%9Fe/", ""},
      {"a space in a literal", "/a b/", "/a%20b/", ""},
      {"an encoded character is one character", "/x/<a><b>/", "/x/%C3%A9/", "no match"},
      {"two of them are two", "/x/<a><b>/", "/x/%C3%A9%F0%9F%90%9F/", "a=%C3%A9 b=%F0%9F%90%9F"},
      {"a literal does not end inside one", "/x/<a>9/", "/x/%C3%A9/", "no match"},
      {"bytes that are not UTF-8 are one each", "/x/<a><b>/", "/x/%C3%28/", "a=%C3 b=%28"},
      {"slug does not take encoded ones", "/a/<slug:s>/", "/a/%C3%A9/", "no match"},
  };
  for (const Match& c : cases) {
    CAPTURE(c.name);
    CHECK(match(c.pattern, c.path) == c.expected);
  }
}

TEST_CASE("covers: the path itself and below, by whole segments, with and without final slash") {
  struct Case {
    std::string pattern;
    std::string path;
    bool expected;
  };
  const Case cases[] = {
      {"/admin/ai/aimodel/", "/admin/ai/aimodel/", true},
      {"/admin/ai/aimodel/", "/admin/ai/aimodel", true},
      {"/admin/ai/aimodel/", "/admin/ai/aimodel/3/change/", true},
      {"/admin/ai/aimodel", "/admin/ai/aimodel/3/change/", true},
      {"/admin/ai/aimodel/", "/admin/ai/aimodels/", false},
      {"/admin/ai/aimodel", "/admin/ai/aimodels/", false},
      {"/admin/ai/aimodel/", "/admin/ai/", false},
      {"/", "/", true},
      {"/", "/anything/", true},
      {"/a/<int:pk>/", "/a/12/b/", true},
      {"/a/<int:pk>/", "/a/12", true},
      {"/a/<int:pk>", "/a/12b/", false},
      {"/a/<int:pk>/b/", "/a/12/c/", false},
      {"/a/<slug:x>-<slug:y>/", "/a/b-c/d/", true},
      {"/a/<slug:x>-<slug:y>/", "/a/b/c-d/", false},
      {"/a/<path:p>/", "/a/b/c", true},
      {"/a/<path:p>/e/", "/a/b/e/f", true},
      {"/a/<path:p>/e/", "/a/b/ee/f", false},
      {"/a/", "*", false},
      {"/", "*", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.path);
    CHECK(pattern(c.pattern).covers(c.path) == c.expected);
  }
}

TEST_CASE("may_concern: equal, above, and below if asked; never a wrong no") {
  struct Case {
    std::string name;
    std::string pattern;
    std::string path;
    bool above_or_equal;
    bool below;
  };
  const Case cases[] = {
      {"equal", "/api/x/", "/api/x/", true, true},
      {"without the slash", "/api/x/", "/api/x", true, true},
      {"the collection above a written item", "/api/x/", "/api/x/3/", true, true},
      {"what lies below a written item", "/api/x/<int:pk>/parts/", "/api/x/3/", false, true},
      {"of another item by its converter", "/api/x/<int:pk>/parts/", "/api/x/a/", false, false},
      {"items below a written collection", "/api/x/<int:pk>/", "/api/x/", false, true},
      {"items below, without the slash", "/api/x/<int:pk>/", "/api/x", false, true},
      {"another resource", "/api/x/", "/api/y/", false, false},
      {"a longer word is another segment", "/api/xy/", "/api/x/", false, false},
      {"a longer word in the path", "/api/x/", "/api/xy/", false, false},
      {"everything is below root", "/api/x/", "/", false, true},
      {"path converters reach down", "/files/<path:p>", "/files/a/b/", true, true},
      {"and are below", "/files/<path:p>", "/files/", false, true},
      {"through a path converter", "/<path:p>/list/", "/a/b/", false, true},
      {"an item of several converters", "/api/<slug:a>-<slug:b>/", "/api/x-y/", true, true},
      {"below such an item", "/api/<slug:a>-<slug:b>/p/", "/api/x-y/", false, true},
      {"a whole uuid", "/u/<uuid:id>/p/", "/u/075194d3-6885-417e-a8a8-6c931e272f00/", false, true},
      {"no uuid", "/u/<uuid:id>/p/", "/u/075194d3/", false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(pattern(c.pattern).may_concern(c.path, false) == c.above_or_equal);
    CHECK(pattern(c.pattern).may_concern(c.path, true) == c.below);
  }
}

TEST_CASE("what no normalised path can contain is an error, with its offset") {
  struct Case {
    std::string text;
    std::size_t offset;
    std::string part_of_message;
  };
  const Case cases[] = {
      {"", 0, "a path is expected"},
      {"api/", 0, "starts with '/'"},
      {"^api/$", 0, "not a regular expression"},
      {"/a/(?P<pk>\\d+)/", 3, "not a regular expression"},
      {"/a/<integer:pk>/", 4, "unknown converter 'integer' (did you mean 'int'?)"},
      {"/a/<itn:pk>/", 4, "did you mean 'int'?"},
      {"/a/<string:pk>/", 4, "did you mean 'str'?"},
      {"/a/<date:d>/", 4, "known are int, str, slug, uuid and path"},
      {"/a/<:pk>/", 4, "unknown converter ''"},
      {"/a/<int:pk/", 3, "'<' without its '>'"},
      {"/a/pk>/", 5, "'>' without its '<'"},
      {"/a/<int:>/", 8, "needs a name"},
      {"/a/<>/", 4, "needs a name"},
      {"/a/<int:1k>/", 8, "cannot name"},
      {"/a/<int:p-k>/", 8, "cannot name"},
      {"/a/<int: pk>/", 8, "white space"},
      {"/a/<a<b>>/", 5, "'<' within"},
      {"/<int:a>/<int:a>/", 14, "used twice"},
      {"/a//b/", 3, "empty segment"},
      {"/a/../b/", 3, "'..'"},
      {"/a/.", 3, "'.'"},
      {"/a/?page=1", 3, "no query"},
      {"/a/#x", 3, "no fragment"},
      {"/a/*", 3, "no wildcard"},
      {"/a/{pk}/", 3, "'<name>'"},
      {"/a%20b/", 2, "percent-encoding"},
      {"/a\\b/", 2, "passed on"},
      {"/a;b/", 2, "passed on"},
      {"/a\tb/", 2, "control character"},
      {"/a\xff/", 2, "not UTF-8"},
      {"/\xed\xa0\x80/", 1, "not UTF-8"},
      {"/<path:a>/<path:b>/<path:c>/", 19, "more than 2"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto parsed = parse_path_pattern(c.text);
    const auto* wrong = std::get_if<PatternError>(&parsed);
    REQUIRE(wrong);
    CHECK(wrong->offset == c.offset);
    CHECK_MESSAGE(wrong->message.find(c.part_of_message) != std::string::npos, wrong->message);
  }
}

TEST_CASE("limits: sixteen converters, and work bounded by pieces times length") {
  std::string text = "/";
  for (int index = 0; index < 16; ++index) text += "<str:a" + std::to_string(index) + ">-";
  CHECK(std::holds_alternative<PathPattern>(parse_path_pattern(text)));
  CHECK(std::holds_alternative<PatternError>(parse_path_pattern(text + "<str:more>")));

  // Backtracking would try some 10^40 ways to part these dashes.
  const PathPattern many = pattern(text + "!");
  const std::string path = "/" + std::string(8000, '-');
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(many.matches(path));
  CHECK(many.matches(path + "!"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("pieces: literals in normal form, names as written") {
  const PathPattern parsed = pattern("/é/<int:pk>/x");
  REQUIRE(parsed.pieces.size() == 3);
  CHECK(parsed.text == "/é/<int:pk>/x");
  CHECK(parsed.pieces[0] == PatternPiece{"/%C3%A9/", Converter::str, ""});
  CHECK(parsed.pieces[1] == PatternPiece{"", Converter::integer, "pk"});
  CHECK(parsed.has_parameters());
  CHECK_FALSE(pattern("/x/").has_parameters());
}
