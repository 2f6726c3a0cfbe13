#include "http/cache_control.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string_view>;

Fields with(const Lines& lines, const Lines& pragma = {}) {
  Fields fields;
  fields.add(FieldName::age, "max-age=1");  // another field is not looked at
  for (const std::string_view line : lines) fields.add(FieldName::cache_control, line);
  for (const std::string_view line : pragma) fields.add(FieldName::pragma, line);
  return fields;
}

TEST_CASE("parse_delta_seconds (9111 1.2.2)") {
  CHECK(parse_delta_seconds("0") == 0s);
  CHECK(parse_delta_seconds("060") == 60s);
  CHECK(parse_delta_seconds("2147483647") == 2147483647s);
  CHECK(parse_delta_seconds("2147483648") == forever);
  CHECK(parse_delta_seconds("99999999999999999999999999999999999999") == forever);
  for (const std::string_view text :
       {"", " ", "-1", "+1", "1.5", "1s", "1 ", " 1", "0x1", "1e3", "one", "1_0", "\xd9\xa1"}) {
    CAPTURE(text);
    CHECK(!parse_delta_seconds(text));
  }
}

TEST_CASE("response directives") {
  struct Case {
    std::string_view name;
    std::string_view section;
    Lines lines;
    ResponseCacheControl expected{};
  };
  const Case cases[] = {
      {"nothing", "9111 5.2", {}},
      {"an empty line", "9111 5.2", {""}},
      {"empty members", "9110 5.6.1.2", {" , ,,"}},
      {"max-age", "9111 5.2.2.1", {"max-age=60"}, {.max_age = 60s}},
      {"in any case", "9111 5.2", {"MAX-Age=60, No-STORE"}, {.max_age = 60s, .no_store = true}},
      {"in quotes", "9111 5.2", {"max-age=\"60\""}, {.max_age = 60s}},
      {"in quotes with an escape", "9110 5.6.4", {"max-age=\"6\\0\""}, {.max_age = 60s}},
      {"in single quotes", "9111 4.2.1", {"max-age='60'"}, {.max_age = 0s}},
      {"beyond 2^31", "9111 1.2.2", {"max-age=99999999999"}, {.max_age = forever}},
      {"no argument", "9111 4.2.1", {"max-age"}, {.max_age = 0s}},
      {"an empty argument", "9111 4.2.1", {"max-age="}, {.max_age = 0s}},
      {"negative", "9111 4.2.1", {"max-age=-1"}, {.max_age = 0s}},
      {"a fraction", "9111 4.2.1", {"max-age=1.5"}, {.max_age = 0s}},
      {"letters behind", "9111 4.2.1", {"max-age=60s"}, {.max_age = 0s}},
      {"a space before the equals sign", "9111 5.2", {"max-age =60"}, {.max_age = 0s}},
      {"a space behind the equals sign", "9111 5.2", {"max-age= 60"}, {.max_age = 0s}},
      {"a second argument", "9111 5.2", {"max-age=60 70"}, {.max_age = 0s}},
      {"text behind the quotes", "9111 5.2", {"max-age=\"60\"7"}, {.max_age = 0s}},
      {"repeated and the same", "9111 4.2.1", {"max-age=60, max-age=60"}, {.max_age = 60s}},
      {"conflicting: the shorter", "9111 4.2.1", {"max-age=60, max-age=30"}, {.max_age = 30s}},
      {"conflicting over lines", "9111 4.2.1", {"max-age=30", "max-age=60"}, {.max_age = 30s}},
      {"one of two malformed", "9111 4.2.1", {"max-age=60, max-age=x"}, {.max_age = 0s}},
      {"s-maxage", "9111 5.2.2.10", {"s-maxage=5, max-age=1"}, {.max_age = 1s, .s_maxage = 5s}},
      {"s-maxage malformed",
       "9111 4.2.1",
       {"s-maxage=x, max-age=1"},
       {.max_age = 1s, .s_maxage = 0s}},
      {"s-max-age is another word", "9111 5.2.3", {"s-max-age=5"}},
      {"must-revalidate", "9111 5.2.2.2", {"must-revalidate"}, {.must_revalidate = true}},
      {"must-revalidate with an argument",
       "9111 4.2.1",
       {"must-revalidate=x"},
       {.must_revalidate = true}},
      {"proxy-revalidate", "9111 5.2.2.8", {"proxy-revalidate"}, {.proxy_revalidate = true}},
      {"no-cache", "9111 5.2.2.4", {"no-cache"}, {.no_cache = true}},
      {"no-cache with names",
       "9111 5.2.2.4",
       {"no-cache=\"Set-Cookie, X-A\""},
       {.no_cache_fields = {"set-cookie", "x-a"}}},
      {"no-cache with one name, no quotes",
       "9111 5.2.2.4",
       {"no-cache=Set-Cookie"},
       {.no_cache_fields = {"set-cookie"}}},
      {"no-cache with and without names",
       "9111 5.2.2.4",
       {"no-cache=\"a\", no-cache"},
       {.no_cache = true, .no_cache_fields = {"a"}}},
      {"no-cache, names twice",
       "9111 5.2.2.4",
       {"no-cache=\"a,b\"", "no-cache=\"B,c\""},
       {.no_cache_fields = {"a", "b", "c"}}},
      {"no-cache with an empty list", "9111 4.2.1", {"no-cache=\"\""}, {.no_cache = true}},
      {"no-cache with an empty argument", "9111 4.2.1", {"no-cache="}, {.no_cache = true}},
      {"no-cache with no names", "9111 4.2.1", {"no-cache=\"a b\""}, {.no_cache = true}},
      {"no-cache whose quotes do not close", "9111 4.2.1", {"no-cache=\"a"}, {.no_cache = true}},
      {"no-store", "9111 5.2.2.5", {"no-store"}, {.no_store = true}},
      {"no-store with an argument", "9111 4.2.1", {"no-store=\"a\""}, {.no_store = true}},
      {"no-store and text behind", "9111 4.2.1", {"no-store x"}, {.no_store = true}},
      {"no-store behind a semicolon is not in the list",
       "9111 5.2",
       {"max-age=1; no-store"},
       {.max_age = 0s}},
      {"private", "9111 5.2.2.7", {"private"}, {.is_private = true}},
      {"private with names",
       "9111 5.2.2.7",
       {"private=\"Set-Cookie\", max-age=5"},
       {.max_age = 5s, .private_fields = {"set-cookie"}}},
      {"private with bad names", "9111 4.2.1", {"private=\"a;b\""}, {.is_private = true}},
      {"public", "9111 5.2.2.9", {"public"}, {.is_public = true}},
      {"public with an argument says nothing", "9111 4.2.1", {"public=1"}},
      {"public and text behind says nothing", "9111 4.2.1", {"public x"}},
      {"must-understand",
       "9111 5.2.2.3",
       {"must-understand, no-store"},
       {.no_store = true, .must_understand = true}},
      {"must-understand with an argument says nothing", "9111 4.2.1", {"must-understand=x"}},
      {"immutable", "8246", {"immutable"}, {.immutable = true}},
      {"no-transform", "9111 5.2.2.6", {"no-transform"}, {.no_transform = true}},
      {"stale-while-revalidate",
       "5861 3",
       {"stale-while-revalidate=5"},
       {.stale_while_revalidate = 5s}},
      {"stale-while-revalidate malformed",
       "9111 4.2.1",
       {"stale-while-revalidate=x"},
       {.stale_while_revalidate = 0s}},
      {"stale-if-error", "5861 4", {"stale-if-error=5"}, {.stale_if_error = 5s}},
      {"stale-if-error without argument", "9111 4.2.1", {"stale-if-error"}, {.stale_if_error = 0s}},
      {"unknown directives are skipped",
       "9111 5.2.3",
       {"x, y=z, max-age=5, a=\"b\""},
       {.max_age = 5s}},
      {"a directive in another's quotes is none",
       "9111 5.2",
       {"x=\"a, max-age=9, no-store\", max-age=5"},
       {.max_age = 5s}},
      {"a quote escaped in quotes",
       "9110 5.6.4",
       {"x=\"\\\", no-store, \", max-age=5"},
       {.max_age = 5s}},
      {"quotes that do not close hide nothing",
       "9111 4.2.1",
       {"x=\"a, no-store"},
       {.no_store = true}},
      {"no name", "9111 5.2", {"=5, max-age=5"}, {.max_age = 5s}},
      {"a name that is no token", "9111 5.2", {"@max-age=9, max-age=5"}, {.max_age = 5s}},
      {"lines count together",
       "9110 5.3",
       {"public", "max-age=5"},
       {.max_age = 5s, .is_public = true}},
      {"quotes that do not close end with their line",
       "9110 5.3",
       {"x=\"a", "no-store"},
       {.no_store = true}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    CHECK(parse_response_cache_control(with(c.lines)) == c.expected);
  }
}

TEST_CASE("request directives") {
  struct Case {
    std::string_view name;
    std::string_view section;
    Lines lines;
    RequestCacheControl expected{};
    Lines pragma{};
  };
  const Case cases[] = {
      {"nothing", "9111 5.2.1", {}},
      {"max-age", "9111 5.2.1.1", {"max-age=0"}, {.max_age = 0s}},
      {"max-age malformed", "9111 4.2.1", {"max-age=x"}, {.max_age = 0s}},
      {"max-age twice", "9111 4.2.1", {"max-age=9, max-age=5"}, {.max_age = 5s}},
      {"min-fresh", "9111 5.2.1.3", {"min-fresh=5"}, {.min_fresh = 5s}},
      {"min-fresh malformed", "9111 4.2.1", {"min-fresh"}, {.min_fresh = forever}},
      {"min-fresh twice: the longer",
       "9111 4.2.1",
       {"min-fresh=5, min-fresh=9"},
       {.min_fresh = 9s}},
      {"max-stale", "9111 5.2.1.2", {"max-stale=5"}, {.max_stale = 5s}},
      {"max-stale without argument", "9111 5.2.1.2", {"max-stale"}, {.max_stale = forever}},
      {"max-stale malformed", "9111 4.2.1", {"max-stale=x"}, {.max_stale = 0s}},
      {"max-stale with and without argument",
       "9111 4.2.1",
       {"max-stale, max-stale=5"},
       {.max_stale = 5s}},
      {"max-stale with and without, the other way",
       "9111 4.2.1",
       {"max-stale=5, max-stale"},
       {.max_stale = 5s}},
      {"no-cache", "9111 5.2.1.4", {"no-cache"}, {.no_cache = true}},
      {"no-cache with an argument", "9111 5.2.1.4", {"no-cache=\"a\""}, {.no_cache = true}},
      {"no-store", "9111 5.2.1.5", {"no-store"}, {.no_store = true}},
      {"no-transform", "9111 5.2.1.6", {"no-transform"}, {.no_transform = true}},
      {"only-if-cached", "9111 5.2.1.7", {"only-if-cached"}, {.only_if_cached = true}},
      {"stale-if-error", "5861 4", {"stale-if-error=7"}, {.stale_if_error = 7s}},
      {"response directives are unknown here", "9111 5.2.1", {"s-maxage=5, private, public"}},
      {"Pragma alone", "9111 5.4", {}, {.no_cache = true}, {"no-cache"}},
      {"Pragma in a list and in capitals", "9111 5.4", {}, {.no_cache = true}, {"x, NO-CACHE"}},
      {"Pragma of another kind", "9111 5.4", {}, {}, {"xno-cache"}},
      {"Pragma beside Cache-Control", "9111 5.4", {"max-age=5"}, {.max_age = 5s}, {"no-cache"}},
      {"Pragma beside an empty Cache-Control", "9111 5.4", {""}, {}, {"no-cache"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    CHECK(parse_request_cache_control(with(c.lines, c.pragma)) == c.expected);
  }
}

}  // namespace
}  // namespace larder::http
