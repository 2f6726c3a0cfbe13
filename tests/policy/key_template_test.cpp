// Key templates: the language of a rule's `key`.
#include "policy/key_template.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace larder::policy;
using Kind = KeyPart::Kind;

namespace {

KeyTemplate key(std::string_view text) {
  const auto parsed = parse_key_template(text);
  if (const auto* wrong = std::get_if<KeyTemplateError>(&parsed)) FAIL(wrong->message);
  return std::get<KeyTemplate>(parsed);
}

}  // namespace

TEST_CASE("parse_key_template reads each part") {
  struct Case {
    std::string text;
    std::vector<KeyPart> expected;
  };
  const Case cases[] = {
      {"ai_models_list", {{Kind::literal, "ai_models_list", {}}}},
      {"{path}?{query}",
       {{Kind::path, "", {}}, {Kind::literal, "?", {}}, {Kind::query_all, "", {}}}},
      {"{query.page}", {{Kind::query_only, "", {"page"}}}},
      {"{query.page, format,f_*}", {{Kind::query_only, "", {"page", "format", "f_*"}}}},
      {"{query.filter[name]}", {{Kind::query_only, "", {"filter[name]"}}}},
      {"{query:-utm_*,fbclid}", {{Kind::query_except, "", {"utm_*", "fbclid"}}}},
      {"{header.Accept-Language}", {{Kind::header, "accept-language", {}}}},
      {"{jwt.https://example.com/tenant}", {{Kind::claim, "https://example.com/tenant", {}}}},
      {"{cookie.Lang}", {{Kind::cookie, "Lang", {}}}},
      {"{pk}/{slug_2}",
       {{Kind::path_parameter, "pk", {}},
        {Kind::literal, "/", {}},
        {Kind::path_parameter, "slug_2", {}}}},
      {"a{{b}}c", {{Kind::literal, "a{b}c", {}}}},
      {"{{{path}}}", {{Kind::literal, "{", {}}, {Kind::path, "", {}}, {Kind::literal, "}", {}}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(key(c.text).parts == c.expected);
    CHECK(key(c.text).text == c.text);
  }
}

TEST_CASE("parse_key_template refuses, with the offset") {
  struct Case {
    std::string text;
    std::size_t offset;
    std::string part_of_message;
  };
  const Case cases[] = {
      {"", 0, "empty key"},
      {"a{path", 1, "'{' without its '}'"},
      {"a}b", 1, "'}' without its '{'"},
      {"{}", 1, "no part of a key"},
      {"{a b}", 1, "no part of a key"},
      {"{queri.page}", 1, "did you mean 'query'?"},
      {"{headers.X}", 1, "did you mean 'header'?"},
      {"{session.id}", 1, "unknown part '{session.…}'"},
      {"{query:page}", 6, "'{query.NAME}'"},
      {"{query.-page}", 7, "'{query:-NAME}'"},
      {"{query.}", 7, "is missing"},
      {"{query.a,,b}", 9, "is missing"},
      {"{query.a,b*c}", 9, "only at the end"},
      {"{query.a%20b}", 7, "without percent-encoding"},
      {"{query.a=1}", 7, "no name of a query parameter"},
      {"{header.X Y}", 8, "no name of a request field"},
      {"{header.}", 8, "no name of a request field"},
      {"{header.Cookie}", 8, "{cookie.NAME}"},
      {"{header.authorization}", 8, "credentials"},
      {"{header.Proxy-Authorization}", 8, "credentials"},
      {"{cookie.a=b}", 8, "no name of a cookie"},
      {"{jwt.}", 5, "the name of a claim is missing"},
      {"a\nb", 1, "control character"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto parsed = parse_key_template(c.text);
    const auto* wrong = std::get_if<KeyTemplateError>(&parsed);
    REQUIRE(wrong);
    CHECK(wrong->offset == c.offset);
    CHECK_MESSAGE(wrong->message.find(c.part_of_message) != std::string::npos, wrong->message);
  }
}

TEST_CASE("counts_parameter: what the key tells apart, by the name a view sees") {
  struct Case {
    std::string name;
    std::string key;
    std::string parameter;
    bool expected;
  };
  const Case cases[] = {
      {"all", "{path}?{query}", "anything", true},
      {"no query at all", "{path}", "page", false},
      {"named", "{query.page,format}", "format", true},
      {"not named", "{query.page,format}", "utm_source", false},
      {"a longer name", "{query.page}", "pages", false},
      {"a shorter name", "{query.page}", "pag", false},
      {"upper case is another", "{query.page}", "Page", false},
      {"by its start", "{query.filter_*}", "filter_name", true},
      {"the start itself", "{query.filter_*}", "filter_", true},
      {"another start", "{query.filter_*}", "filte", false},
      {"left out", "{query:-utm_*,fbclid}", "utm_source", false},
      {"left out by name", "{query:-utm_*,fbclid}", "fbclid", false},
      {"not left out", "{query:-utm_*,fbclid}", "page", true},
      {"percent-encoded", "{query.filter[name]}", "filter%5Bname%5D", true},
      {"plus is a space", "{query.a b}", "a+b", true},
      {"encoded space", "{query.a b}", "a%20b", true},
      {"an encoded plus is a plus", "{query.a+b}", "a%2Bb", true},
      {"non-ASCII", "{query.größe}", "gr%C3%B6%C3%9Fe", true},
      {"counted by one part is counted", "{query.a}{query.b}", "b", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(key(c.key).counts_parameter(c.parameter) == c.expected);
  }
}

TEST_CASE("has") {
  CHECK(key("{path}").has(Kind::path));
  CHECK_FALSE(key("{pk}").has(Kind::path));
}
