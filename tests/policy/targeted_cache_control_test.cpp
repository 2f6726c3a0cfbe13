#include "policy/targeted_cache_control.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;
using http::FieldName;
using http::ResponseCacheControl;
using Lines = std::vector<std::pair<FieldName, std::string_view>>;

constexpr FieldName plain = FieldName::cache_control;
constexpr FieldName cdn = FieldName::cdn_cache_control;
constexpr FieldName ours = FieldName::larder_cache_control;

http::Fields with(const Lines& lines) {
  http::Fields fields;
  for (const auto& [name, value] : lines) fields.add(name, value);
  return fields;
}

TEST_CASE("read_cache_directives: which field counts (9213 2.1, 2.2)") {
  struct Case {
    std::string_view name;
    Lines lines;
    CacheDirectives expected;
  };
  const TargetedField none = TargetedField::none;
  const TargetedField of_cdn = TargetedField::cdn_cache_control;
  const TargetedField of_ours = TargetedField::larder_cache_control;
  const Case cases[] = {
      {"nothing", {}, {{}, none}},
      {"Cache-Control alone", {{plain, "max-age=5"}}, {{.max_age = 5s}, none}},
      {"CDN-Cache-Control alone", {{cdn, "max-age=5"}}, {{.max_age = 5s}, of_cdn}},
      {"Larder-Cache-Control alone", {{ours, "max-age=5"}}, {{.max_age = 5s}, of_ours}},
      {"CDN-Cache-Control over no-store",
       {{plain, "no-store"}, {cdn, "max-age=5"}},
       {{.max_age = 5s}, of_cdn}},
      {"no-store over Cache-Control",
       {{cdn, "no-store"}, {plain, "max-age=5"}},
       {{.no_store = true}, of_cdn}},
      {"nothing of Cache-Control is added",
       {{plain, "max-age=9, must-revalidate"}, {cdn, "public"}},
       {{.is_public = true}, of_cdn}},
      {"Larder's own before CDN's, whatever their order",
       {{cdn, "max-age=9"}, {ours, "max-age=5"}, {plain, "max-age=1"}},
       {{.max_age = 5s}, of_ours}},
      {"an empty one is ignored", {{cdn, ""}, {plain, "max-age=1"}}, {{.max_age = 1s}, none}},
      {"an empty one of ours leaves CDN's",
       {{ours, " "}, {cdn, "max-age=5"}},
       {{.max_age = 5s}, of_cdn}},
      {"one that does not parse is ignored",
       {{cdn, "max-age=10000, &&&&&"}, {plain, "no-store"}},
       {{.no_store = true}, none}},
      {"one of ours that does not parse leaves CDN's",
       {{ours, "max-age=5,"}, {cdn, "max-age=9"}},
       {{.max_age = 9s}, of_cdn}},
      {"capitals are no Structured Field",
       {{cdn, "Max-Age=5"}, {plain, "max-age=1"}},
       {{.max_age = 1s}, none}},
      {"one that only says what is unknown still counts",
       {{cdn, "x=1"}, {plain, "no-store"}},
       {{}, of_cdn}},
      {"two lines are one field",
       {{cdn, "max-age=5"}, {cdn, "must-revalidate"}},
       {{.max_age = 5s, .must_revalidate = true}, of_cdn}},
      {"two lines, one of which does not parse",
       {{cdn, "max-age=5"}, {cdn, "&"}, {plain, "max-age=1"}},
       {{.max_age = 1s}, none}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const CacheDirectives found = read_cache_directives(with(c.lines));
    CHECK(found.source == c.expected.source);
    CHECK(found.directives == c.expected.directives);
  }
}

TEST_CASE("read_cache_directives: what a targeted field says (9213 2.1)") {
  struct Case {
    std::string_view name;
    std::string_view value;
    ResponseCacheControl expected{};
  };
  const Case cases[] = {
      {"max-age", "max-age=60", {.max_age = 60s}},
      {"the last of two", "max-age=60, max-age=30, max-age=90", {.max_age = 90s}},
      {"max-age of zero", "max-age=0", {.max_age = 0s}},
      {"below zero is zero", "max-age=-1", {.max_age = 0s}},
      {"2^31", "max-age=2147483648", {.max_age = http::forever}},
      {"beyond 2^31", "max-age=999999999999999", {.max_age = http::forever}},
      {"a String is no Integer", "max-age=\"60\""},
      {"a Decimal is no Integer", "max-age=60.0"},
      {"a Token is no Integer", "max-age=a"},
      {"a Date is no Integer", "max-age=@60"},
      {"true is no Integer", "max-age"},
      {"an Inner List is no Integer", "max-age=(60)"},
      {"the last of two, of another type", "max-age=60, max-age=\"30\""},
      {"parameters are ignored", "max-age=60;no-store;x=1", {.max_age = 60s}},
      {"s-maxage", "s-maxage=5", {.s_maxage = 5s}},
      {"stale-while-revalidate", "stale-while-revalidate=5", {.stale_while_revalidate = 5s}},
      {"stale-if-error", "stale-if-error=5", {.stale_if_error = 5s}},
      {"no-store", "no-store", {.no_store = true}},
      {"no-store, said at length", "no-store=?1", {.no_store = true}},
      {"not no-store", "no-store=?0"},
      {"an Integer is no Boolean: what allows says nothing", "public=1, immutable=1"},
      {"a Token is no Boolean: what allows says nothing", "must-understand=true"},
      {"an Integer is no Boolean: what forbids holds", "no-store=1", {.no_store = true}},
      {"zero is no Boolean either", "no-store=0", {.no_store = true}},
      {"a Token is no Boolean: what forbids holds", "no-store=false", {.no_store = true}},
      {"what else forbids, of another type",
       "must-revalidate=1, proxy-revalidate=\"\", no-transform=a",
       {.must_revalidate = true, .proxy_revalidate = true, .no_transform = true}},
      {"the flags",
       "must-revalidate, proxy-revalidate, public, must-understand, immutable, no-transform",
       {.must_revalidate = true,
        .proxy_revalidate = true,
        .is_public = true,
        .must_understand = true,
        .immutable = true,
        .no_transform = true}},
      {"the flags, denied",
       "must-revalidate=?0, proxy-revalidate=?0, public=?0, must-understand=?0, immutable=?0, "
       "no-transform=?0, no-cache=?0, private=?0"},
      {"no-cache", "no-cache", {.no_cache = true}},
      {"no-cache with names",
       "no-cache=\"Set-Cookie, X-A,x-a\"",
       {.no_cache_fields = {"set-cookie", "x-a"}}},
      {"no-cache with empty members", "no-cache=\" ,a, \"", {.no_cache_fields = {"a"}}},
      {"no-cache with no name", "no-cache=\"\"", {.no_cache = true}},
      {"no-cache with what is no name", "no-cache=\"a b\"", {.no_cache = true}},
      {"no-cache with a Token", "no-cache=a", {.no_cache = true}},
      {"private", "private", {.is_private = true}},
      {"private with names", "private=\"a\"", {.private_fields = {"a"}}},
      {"private with an Integer", "private=1", {.is_private = true}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const CacheDirectives found =
        read_cache_directives(with({{cdn, c.value}, {plain, "max-age=1"}}));
    CHECK(found.source == TargetedField::cdn_cache_control);
    CHECK(found.directives == c.expected);
  }
}

}  // namespace
}  // namespace larder::policy
