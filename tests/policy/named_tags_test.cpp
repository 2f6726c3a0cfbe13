#include "policy/named_tags.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using http::FieldName;
using Lines = std::vector<std::pair<FieldName, std::string_view>>;

constexpr FieldName groups = FieldName::cache_groups;
constexpr FieldName invalidation = FieldName::cache_group_invalidation;
constexpr FieldName keys = FieldName::surrogate_key;
constexpr FieldName cache_tag = FieldName::cache_tag;
constexpr UriOrigin origin{"http", "example.com"};

http::Fields with(const Lines& lines) {
  http::Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  return fields;
}

TEST_CASE("read_named_tags: what a response names") {
  struct Case {
    std::string_view name;
    Lines lines;
    Tags expected;
  };
  const Case cases[] = {
      {"nothing", {}, {}},
      {"a group", {{groups, "\"news\""}}, {"g:http://example.com news"}},
      {"groups over two lines, one of them twice",
       {{groups, "\"b\", \"a\""}, {groups, "\"b\";x=1"}},
       {"g:http://example.com a", "g:http://example.com b"}},
      {"groups of other case are others (9875 2.1)",
       {{groups, "\"a\", \"A\""}},
       {"g:http://example.com A", "g:http://example.com a"}},
      {"a group with space and escapes",
       {{groups, "\"a \\\"b\\\\\""}},
       {"g:http://example.com a \"b\\"}},
      {"a group that is empty", {{groups, "\"\""}}, {"g:http://example.com "}},
      {"a Token is no group, and the others none either", {{groups, "\"a\", b"}}, {}},
      {"an Inner List is no group", {{groups, "(\"a\")"}}, {}},
      {"what does not parse", {{groups, "\"a\", \"b"}}, {}},
      {"an empty field", {{groups, ""}}, {}},
      {"keys", {{keys, "b  a\tb "}}, {"t:a", "t:b"}},
      {"keys over two lines", {{keys, "a"}, {keys, "b"}}, {"t:a", "t:b"}},
      {"a comma is part of a key", {{keys, "a,b"}}, {"t:a,b"}},
      {"tags", {{cache_tag, " b ,,a b,"}}, {"t:a b", "t:b"}},
      {"keys and tags are of one kind", {{keys, "a b"}, {cache_tag, "b,c"}}, {"t:a", "t:b", "t:c"}},
      {"a broken Cache-Groups leaves the keys", {{groups, "a"}, {keys, "a"}}, {"t:a"}},
      {"a group and a key are two",
       {{groups, "\"a\""}, {keys, "a"}},
       {"g:http://example.com a", "t:a"}},
      {"Cache-Group-Invalidation names nothing", {{invalidation, "\"a\""}}, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<Tags> found = read_named_tags(with(c.lines), origin);
    REQUIRE(found);
    CHECK(*found == c.expected);
  }
}

TEST_CASE("make_group_tag: a group belongs to its origin (9875 2.1, 9110 4.3.1)") {
  struct Case {
    UriOrigin origin;
    std::string_view expected;
  };
  const Case cases[] = {
      {{"http", "example.com"}, "g:http://example.com A"},
      {{"http", "EXAMPLE.com"}, "g:http://example.com A"},
      {{"http", "example.com:80"}, "g:http://example.com A"},
      {{"http", "example.com:"}, "g:http://example.com A"},
      {{"http", "example.com:8080"}, "g:http://example.com:8080 A"},
      {{"http", "example.com:443"}, "g:http://example.com:443 A"},
      {{"https", "example.com:443"}, "g:https://example.com A"},
      {{"https", "example.com:80"}, "g:https://example.com:80 A"},
      {{"http", "[::80]"}, "g:http://[::80] A"},
      {{"http", "[::1]:80"}, "g:http://[::1] A"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.origin.authority);
    CHECK(make_group_tag(c.origin, "A") == c.expected);
  }
  CHECK(make_key_tag("A b") == "t:A b");
}

std::string repeat(std::size_t times, bool quoted, std::string_view separator) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) {
    if (i != 0) result += separator;
    const std::string name = "group-of-thirty-two-characters" + std::to_string(10 + i);
    result += quoted ? '"' + name + '"' : name;
  }
  return result;
}

TEST_CASE("read_named_tags: more or longer than the bounds cannot be stored (9875 2)") {
  const auto reads = [](FieldName name, const std::string& value) {
    return read_named_tags(with({{name, value}}), origin).has_value();
  };
  CHECK(reads(groups, repeat(32, true, ", ")));
  CHECK(reads(groups, repeat(most_named_tags, true, ", ")));
  CHECK(!reads(groups, repeat(most_named_tags + 1, true, ", ")));
  CHECK(reads(keys, repeat(most_named_tags, false, " ")));
  CHECK(!reads(keys, repeat(most_named_tags + 1, false, " ")));
  CHECK(!reads(cache_tag, repeat(most_named_tags + 1, false, ",")));

  const std::string longest(longest_name_of_tag, 'a');
  CHECK(reads(groups, '"' + longest + '"'));
  CHECK(!reads(groups, '"' + longest + "a\""));
  CHECK(reads(keys, longest));
  CHECK(!reads(keys, longest + "a"));
  CHECK(reads(cache_tag, longest));
  CHECK(!reads(cache_tag, longest + "a"));

  const std::string some = repeat(most_named_tags, true, ",");
  CHECK(!read_named_tags(with({{groups, some}, {keys, "a"}}), origin));
}

TEST_CASE("read_invalidated_tags (9875 3)") {
  const auto read = [](const std::string& value, http::Method method, std::string_view text) {
    return read_invalidated_tags(with({{invalidation, value}, {groups, "\"no\""}, {keys, "no"}}),
                                 origin, method, text);
  };
  const Tags news = {"g:http://example.com home", "g:http://example.com news"};
  const std::string value = "\"news\", \"home\";x=1, \"news\"";
  CHECK(read(value, http::Method::post, "POST") == news);
  CHECK(read(value, http::Method::put, "PUT") == news);
  CHECK(read(value, http::Method::del, "DELETE") == news);
  CHECK(read(value, http::Method::other, "BREW") == news);
  CHECK(read(value, http::Method::get, "GET").empty());
  CHECK(read(value, http::Method::head, "HEAD").empty());
  CHECK(read(value, http::Method::options, "OPTIONS").empty());
  CHECK(read(value, http::Method::other, "QUERY").empty());
  CHECK(read("news", http::Method::post, "POST").empty());
  CHECK(read("\"news\", home", http::Method::post, "POST").empty());
  CHECK(read("", http::Method::post, "POST").empty());
  CHECK(read_invalidated_tags(with({}), origin, http::Method::post, "POST").empty());
  CHECK(read(repeat(most_named_tags + 1, true, ","), http::Method::post, "POST").size() ==
        most_named_tags + 1);
  const std::string too_long(longest_name_of_tag + 1, 'a');
  CHECK(read('"' + too_long + "\", \"home\", \"news\"", http::Method::post, "POST") == news);
}

}  // namespace
}  // namespace larder::policy
