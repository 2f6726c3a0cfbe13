// Targets: what is one path, and what might be two.
#include "http/target.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using Paths = std::vector<std::string>;

TEST_CASE("normalise_path: paths with one meaning (3986 6.2.2)") {
  struct Case {
    std::string_view name;
    std::string_view path;
    std::string_view normal;
  };
  const Case cases[] = {
      {"the root", "/", "/"},
      {"a plain path", "/api/jobs/17/", "/api/jobs/17/"},
      {"every character a segment may have", "/-._~!$&'()*+,=:@Az09", "/-._~!$&'()*+,=:@Az09"},
      {"case is kept", "/API/Jobs", "/API/Jobs"},
      {"unreserved characters are decoded", "/%61%2D%5F%7E%5a%39", "/a-_~Z9"},
      {"hex digits in upper case", "/%c3%a9", "/%C3%A9"},
      {"reserved characters stay as they are", "/a,b", "/a,b"},
      {"encoded reserved characters stay encoded", "/a%2cb%3Bc%3d%40", "/a%2Cb%3Bc%3D%40"},
      {"an encoded space", "/a%20b", "/a%20b"},
      {"plus is plus", "/a+b%2B", "/a+b%2B"},
      {"an encoded question mark and hash", "/a%3fb%23c", "/a%3Fb%23c"},
      {"characters browsers leave", "/a|b[c]{d}\"^`<>", "/a|b[c]{d}\"^`<>"},
      {"four bytes of UTF-8", "/%f0%9f%98%80", "/%F0%9F%98%80"},
      {"the first and last of their length",
       "/%C2%80%DF%BF%E0%A0%80%EF%BF%BF%F0%90%80%80%F4%8F%BF%BF",
       "/%C2%80%DF%BF%E0%A0%80%EF%BF%BF%F0%90%80%80%F4%8F%BF%BF"},
      {"three dots are a name", "/.../a", "/.../a"},
      {"a hidden file", "/.well-known/a", "/.well-known/a"},
      {"dots within a name", "/a.b/c..d/e.", "/a.b/c..d/e."},
      {"a name that begins with dots", "/..a/.b", "/..a/.b"},
      {"the asterisk", "*", "*"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string normal = "left over";
    CHECK(describe(normalise_path(c.path, normal)) == describe(Ambiguity::none));
    CHECK(normal == c.normal);
  }
}

TEST_CASE("normalise_path: paths with more than one meaning") {
  struct Case {
    std::string_view name;
    std::string_view path;
    Ambiguity found;
  };
  const Case cases[] = {
      {"a dot segment", "/a/./b", Ambiguity::dot_segment},
      {"two dots", "/a/../b", Ambiguity::dot_segment},
      {"two dots at the end", "/a/..", Ambiguity::dot_segment},
      {"a dot at the end", "/a/.", Ambiguity::dot_segment},
      {"a dot alone", "/.", Ambiguity::dot_segment},
      {"two dots at the start", "/../a", Ambiguity::dot_segment},
      {"dots without a slash in front", "../a", Ambiguity::dot_segment},
      {"two slashes", "/a//b", Ambiguity::empty_segment},
      {"two slashes at the start", "//a", Ambiguity::empty_segment},
      {"two slashes at the end", "/a//", Ambiguity::empty_segment},
      {"an encoded slash", "/a%2Fb", Ambiguity::encoded_slash},
      {"an encoded slash in lower case", "/a%2fb", Ambiguity::encoded_slash},
      {"an encoded backslash", "/a%5cb", Ambiguity::encoded_backslash},
      {"a backslash", "/a\\b", Ambiguity::backslash},
      {"NUL", "/a%00", Ambiguity::encoded_control},
      {"an encoded line feed", "/a%0ab", Ambiguity::encoded_control},
      {"an encoded tab", "/%09", Ambiguity::encoded_control},
      {"an encoded DEL", "/%7F", Ambiguity::encoded_control},
      {"a parameter", "/a;b", Ambiguity::path_parameter},
      {"a session in the path", "/a;jsessionid=1", Ambiguity::path_parameter},
      {"dots behind a parameter", "/a/..;/b", Ambiguity::path_parameter},
      {"a percent sign at the end", "/a%", Ambiguity::broken_percent},
      {"one digit at the end", "/a%2", Ambiguity::broken_percent},
      {"no digits", "/%zz", Ambiguity::broken_percent},
      {"one digit and a letter", "/%2g", Ambiguity::broken_percent},
      {"%u", "/%u0041", Ambiguity::broken_percent},
      {"two percent signs", "/%%41", Ambiguity::broken_percent},
      {"raw bytes beyond ASCII", "/\xc3\xa9", Ambiguity::non_ascii},
      {"an encoded byte that is not UTF-8", "/%ff", Ambiguity::non_ascii},
      {"Latin-1", "/%e9", Ambiguity::non_ascii},
      {"Latin-1 before a letter", "/%e9a", Ambiguity::non_ascii},
      {"an overlong slash", "/%c0%af", Ambiguity::non_ascii},
      {"an overlong slash of three bytes", "/%e0%80%af", Ambiguity::non_ascii},
      {"an overlong slash of four bytes", "/%f0%80%80%af", Ambiguity::non_ascii},
      {"a surrogate", "/%ed%a0%80", Ambiguity::non_ascii},
      {"beyond the last character", "/%f4%90%80%80", Ambiguity::non_ascii},
      {"a continuation alone", "/%80", Ambiguity::non_ascii},
      {"a character cut by a slash", "/%c3/%a9", Ambiguity::non_ascii},
      {"a character cut by an encoded letter", "/%c3%41", Ambiguity::non_ascii},
      {"an encoded dot", "/a%2eb", Ambiguity::encoded_percent_or_dot},
      {"encoded dot segments", "/%2e%2e/a", Ambiguity::encoded_percent_or_dot},
      {"half encoded dot segments", "/.%2E/a", Ambiguity::encoded_percent_or_dot},
      {"an encoded percent sign", "/a%25b", Ambiguity::encoded_percent_or_dot},
      {"encoded twice", "/%252e%252e/", Ambiguity::encoded_percent_or_dot},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string normal;
    const Ambiguity found = normalise_path(c.path, normal);
    CHECK_MESSAGE(found == c.found, describe(found));
    CHECK(!possible_paths(c.path).empty());
  }
}

TEST_CASE("normalise_path: wherever in a path it stands, what has two meanings is found") {
  for (std::size_t before = 0; before <= 40; ++before) {
    for (std::size_t behind = 0; behind <= 20; ++behind) {
      const std::string start = "/c" + std::string(before, 'a');
      const std::string end(behind, 'b');
      std::string normal;
      const auto path = [&](const char* middle) {
        return std::string(start).append(middle) += end;
      };
      CAPTURE(before);
      CAPTURE(behind);
      CHECK(normalise_path(path("/c"), normal) == Ambiguity::none);
      CHECK(normal == path("/c"));
      CHECK(normalise_path(path("/../"), normal) == Ambiguity::dot_segment);
      CHECK(normalise_path(path("//"), normal) == Ambiguity::empty_segment);
      CHECK(normalise_path(path(";"), normal) == Ambiguity::path_parameter);
      CHECK(normalise_path(path("\x80"), normal) == Ambiguity::non_ascii);
      CHECK(normalise_path(path("%41"), normal) == Ambiguity::none);
      CHECK(normal == path("A"));
    }
  }
}

TEST_CASE("possible_paths: every path a server may take one for") {
  struct Case {
    std::string_view name;
    std::string_view path;
    Paths expected;
  };
  const Case cases[] = {
      {"a plain one is itself", "/api/jobs/", {"/api/jobs/"}},
      {"the asterisk is itself", "*", {"*"}},
      {"nothing is itself", "", {""}},
      {"reserved characters, decoded and not", "/a%2Cb", {"/a,b", "/a%2Cb"}},
      {"raw characters, encoded and not", "/a|b", {"/a%7Cb", "/a|b"}},
      {"an encoded slash", "/a%2Fb", {"/a/b", "/a%2Fb"}},
      {"two slashes", "/a//b", {"/a//b", "/a/b"}},
      {"dot segments", "/a/../b", {"/a/../b", "/b"}},
      {"encoded dot segments", "/a/%2e%2e/b", {"/a/../b", "/a/%2e%2e/b", "/b"}},
      {"dots and slashes", "/a//../b", {"/a//../b", "/b", "/a/b"}},
      {"encoded twice", "/%2561", {"/%2561"}},
      {"a broken percent sign", "/a%zz", {"/a%25zz", "/a%zz"}},
      {"NUL", "/a%00b", {"/a%00b"}},
      {"beyond the root", "/../../a", {"/../../a", "/a"}},
      {"a dot at the end", "/a/.", {"/a/.", "/a/"}},
      {"two dots at the end", "/a/b/..", {"/a/b/..", "/a/"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Paths paths = possible_paths(c.path);
    CHECK(paths == c.expected);
  }
}

/// Paths of pieces that tempt a normaliser.
std::string random_path(std::mt19937& random) {
  static const Paths pieces = {"/",   "a",   "%61", "B",   "%2f", "%2F",    ".",      "%2e",
                               "%2E", "..",  ",",   "%2c", "%2C", "%C3%A9", "%c3%a9", "%e9",
                               ";",   "\\",  "%5c", "%25", "%",   "%3f",    "+",      "%2B",
                               "~",   "%7e", "|",   "%7C", " ",   "%20",    "%00",    "\xc3"};
  std::string path = "/";
  for (unsigned count = random() % 6; count != 0; --count) path += pieces[random() % pieces.size()];
  return path;
}

std::string decoded(std::string_view path) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      result.push_back(
          static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    } else {
      result.push_back(path[i]);
    }
  }
  return result;
}

TEST_CASE("normal forms: idempotent, one meaning each, among the possible (seeded)") {
  std::mt19937 random(3);
  std::map<std::string, std::string> meaning;
  int unambiguous = 0;
  for (int round = 0; round < 40000; ++round) {
    const std::string path = random_path(random);
    std::string normal;
    const Paths possible = possible_paths(path);
    if (possible.empty() || possible.size() > 4) FAIL_CHECK(path);
    for (std::size_t i = 0; i < possible.size(); ++i) {
      if (std::find(possible.begin() + static_cast<std::ptrdiff_t>(i) + 1, possible.end(),
                    possible[i]) != possible.end())
        FAIL_CHECK(path);
    }
    if (normalise_path(path, normal) != Ambiguity::none) continue;
    ++unambiguous;
    std::string again;
    if (normalise_path(normal, again) != Ambiguity::none || again != normal) FAIL_CHECK(path);
    if (std::find(possible.begin(), possible.end(), normal) == possible.end()) FAIL_CHECK(path);
    if (decoded(normal) != decoded(path)) FAIL_CHECK(path);
    const auto [at, is_new] = meaning.emplace(normal, decoded(path));
    if (!is_new && at->second != decoded(path)) FAIL_CHECK(path << " and another");
    // What a server decodes it to is among the possible, too, in its one way of writing.
    const Paths of_normal = possible_paths(normal);
    if (of_normal.front() != possible.front()) FAIL_CHECK(path);
  }
  CHECK(unambiguous > 5000);
}

TEST_CASE("parse_query splits at & and tells names, values and their absence") {
  struct Parameter {
    std::string name, value;
    bool has_equals = true;
    bool operator==(const Parameter&) const = default;
  };
  struct Case {
    std::string_view name;
    std::string_view query;
    std::vector<Parameter> expected;
  };
  const Case cases[] = {
      {"nothing", "", {}},
      {"one", "a=b", {{"a", "b"}}},
      {"two, in order", "b=1&a=2", {{"b", "1"}, {"a", "2"}}},
      {"the same name twice", "a=1&a=2", {{"a", "1"}, {"a", "2"}}},
      {"without equals sign", "a", {{"a", "", false}}},
      {"with nothing behind it", "a=", {{"a", ""}}},
      {"without a name", "=b", {{"", "b"}}},
      {"a second equals sign is the value's", "a=b=c", {{"a", "b=c"}}},
      {"empty pieces are kept",
       "a&&b&",
       {{"a", "", false}, {"", "", false}, {"b", "", false}, {"", "", false}}},
      {"one &", "&", {{"", "", false}, {"", "", false}}},
      {"unreserved characters are decoded", "%61=%7e%2E", {{"a", "~."}}},
      {"hex digits in upper case", "a=%c3%a9", {{"a", "%C3%A9"}}},
      {"an encoded & and = stay", "a%26b%3dc=%26%3D", {{"a%26b%3Dc", "%26%3D"}}},
      {"plus in a name is a space", "a+b=c", {{"a%20b", "c"}}},
      {"plus in a value stays plus", "a=b+c%20d", {{"a", "b+c%20d"}}},
      {"an encoded plus is plus", "a%2bb=%2b", {{"a%2Bb", "%2B"}}},
      {"an encoded semicolon and percent sign", "a=%3b%25", {{"a", "%3B%25"}}},
      {"brackets and question marks", "a[]=b?c/d", {{"a[]", "b?c/d"}}},
      {"a byte that is not UTF-8", "a=%ff", {{"a", "%FF"}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto parsed = parse_query(c.query);
    REQUIRE(parsed);
    std::vector<Parameter> found;
    std::string joined;
    for (const QueryParameter& parameter : *parsed) {
      found.push_back(
          {std::string(parameter.name), std::string(parameter.value), parameter.has_equals});
      if (&parameter != &*parsed->begin()) joined += '&';
      joined += parameter.raw;
    }
    CHECK(found == c.expected);
    CHECK(joined == c.query);
  }
}

TEST_CASE("parse_query: what servers read in two ways") {
  for (const std::string_view query :
       {"a;b", ";", "a=1;b=2", "%", "a=%", "a=%2", "a=%zz", "%=a", "a=%00", "%00", "a=%0d%0a",
        "a=%7F", "a=%1f&b", "b&a%09", "a=b&c=%u0041"}) {
    CAPTURE(query);
    CHECK(!parse_query(query));
  }
}

TEST_CASE("every ambiguity has a sentence of its own") {
  Paths sentences;
  for (int i = 0; i <= static_cast<int>(Ambiguity::encoded_percent_or_dot); ++i) {
    const std::string sentence(describe(static_cast<Ambiguity>(i)));
    CHECK(!sentence.empty());
    CHECK(std::find(sentences.begin(), sentences.end(), sentence) == sentences.end());
    sentences.push_back(sentence);
  }
}

}  // namespace
}  // namespace larder::http
