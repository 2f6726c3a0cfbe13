#include "policy/freshness.hpp"

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr SystemSeconds noon{std::chrono::sys_seconds{784'111'777s}};  // RFC 9110's example
constexpr const char* an_hour_later = "Expires: Sun, 06 Nov 1994 09:49:37 GMT";
constexpr const char* dated = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

Freshness decide(const std::vector<std::string>& lines, const RouteRule& rule) {
  const test::Response response(lines);
  const OriginWord word{.control = http::parse_response_cache_control(response.head.fields)};
  return decide_freshness(response.head, word, rule, noon);
}

TEST_CASE("decide_freshness: the origin's word under `ttl: origin`") {
  using From = FreshnessSource;
  struct Case {
    const char* name;
    const char* section;
    std::vector<std::string> lines;
    Freshness expected;
  };
  const Case cases[] = {
      {"s-maxage before max-age before Expires",
       "9111 4.2.1",
       {"HTTP/1.1 200 OK", "Cache-Control: max-age=60, s-maxage=10", dated, an_hour_later},
       {From::s_maxage, 10s}},
      {"max-age before Expires",
       "9111 5.3",
       {"HTTP/1.1 200 OK", "Cache-Control: max-age=60", dated, an_hour_later},
       {From::max_age, 60s}},
      {"a malformed max-age is stale at once",
       "9111 4.2.1",
       {"HTTP/1.1 200 OK", "Cache-Control: max-age=soon"},
       {From::max_age, 0s}},
      {"an overlarge max-age is as long as can be",
       "9111 1.2.2",
       {"HTTP/1.1 200 OK", "Cache-Control: max-age=99999999999999"},
       {From::max_age, http::forever}},
      {"Expires less Date",
       "9111 4.2.1",
       {"HTTP/1.1 200 OK", "Date: Sun, 06 Nov 1994 08:19:37 GMT", an_hour_later},
       {From::expires, 5400s}},
      {"Expires without Date counts from the arrival",
       "9110 6.6.1",
       {"HTTP/1.1 200 OK", an_hour_later},
       {From::expires, 3600s}},
      {"Expires as RFC 850 had it",
       "9110 5.6.7",
       {"HTTP/1.1 200 OK", "Expires: Sunday, 06-Nov-94 09:49:37 GMT"},
       {From::expires, 3600s}},
      {"Expires as asctime() writes it",
       "9110 5.6.7",
       {"HTTP/1.1 200 OK", "Expires: Sun Nov  6 09:49:37 1994"},
       {From::expires, 3600s}},
      {"Expires: 0 is in the past",
       "9111 5.3",
       {"HTTP/1.1 200 OK", "Expires: 0"},
       {From::expires, 0s}},
      {"Expires in the past is stale, not younger than stale",
       "9111 5.3",
       {"HTTP/1.1 200 OK", "Expires: Sun, 06 Nov 1994 07:49:37 GMT"},
       {From::expires, 0s}},
      {"an unknown status that says how long",
       "9111 3",
       {"HTTP/1.1 299 Odd", "Cache-Control: max-age=7"},
       {From::max_age, 7s}},
      {"nothing said",
       "9111 4.2.2",
       {"HTTP/1.1 200 OK", "Last-Modified: Sat, 05 Nov 1994 08:49:37 GMT"},
       {From::none, 0s}},
  };
  RouteRule rule;
  rule.origin.emplace();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    CHECK(decide(c.lines, rule) == c.expected);
  }
}

TEST_CASE("decide_freshness: heuristic freshness where the rule opts in (RFC 9111 4.2.2)") {
  using From = FreshnessSource;
  struct Case {
    const char* name;
    std::vector<std::string> lines;
    Freshness expected;
  };
  const std::string a_day_before = "Last-Modified: Sat, 05 Nov 1994 08:49:37 GMT";
  const Case cases[] = {
      {"a tenth of its age", {"HTTP/1.1 200 OK", a_day_before}, {From::heuristic, 8640s}},
      {"at most a day",
       {"HTTP/1.1 200 OK", "Last-Modified: Sat, 05 Nov 1983 08:49:37 GMT"},
       {From::heuristic, 86400s}},
      {"a Last-Modified in the future is stale at once",
       {"HTTP/1.1 200 OK", "Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT"},
       {From::heuristic, 0s}},
      {"404 is heuristically cacheable",
       {"HTTP/1.1 404 Not Found", a_day_before},
       {From::heuristic, 8640s}},
      {"302 is not", {"HTTP/1.1 302 Found", a_day_before}, {From::none, 0s}},
      {"302 with public is",
       {"HTTP/1.1 302 Found", a_day_before, "Cache-Control: public"},
       {From::heuristic, 8640s}},
      {"explicit freshness goes before",
       {"HTTP/1.1 200 OK", a_day_before, "Cache-Control: max-age=0"},
       {From::max_age, 0s}},
      {"without Last-Modified the default holds", {"HTTP/1.1 200 OK"}, {From::otherwise, 30s}},
      {"the default is for 200 alone", {"HTTP/1.1 404 Not Found"}, {From::none, 0s}},
  };
  RouteRule rule;
  rule.origin = OriginFreshness{.otherwise = 30s, .most = {}, .heuristic = true};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(decide(c.lines, rule) == c.expected);
  }
}

TEST_CASE("decide_freshness: `max` bounds whatever was said, also for what is stored already") {
  RouteRule rule;
  rule.origin = OriginFreshness{.otherwise = {}, .most = 50s, .heuristic = false};
  CHECK(decide({"HTTP/1.1 200 OK", "Cache-Control: max-age=60"}, rule).lifetime == 50s);
  CHECK(decide({"HTTP/1.1 200 OK", "Cache-Control: max-age=40"}, rule).lifetime == 40s);
  StoredResponse stored;
  stored.lifetime = 3600s;
  CHECK(freshness_lifetime(stored, rule) == 50s);
}

TEST_CASE("decide_freshness: a rule's own ttl is for 200, others are named") {
  RouteRule rule;
  rule.ttl = 60s;
  rule.statuses = {{404, 5s}};
  const std::vector<std::string> says_otherwise{"HTTP/1.1 200 OK", "Cache-Control: max-age=1"};
  CHECK(decide(says_otherwise, rule) == Freshness{FreshnessSource::rule, 60s});
  CHECK(decide({"HTTP/1.1 404 Not Found"}, rule) == Freshness{FreshnessSource::rule, 5s});
  CHECK(decide({"HTTP/1.1 410 Gone", "Cache-Control: max-age=1"}, rule) == Freshness{});
  StoredResponse stored;
  stored.lifetime = 1s;
  CHECK(freshness_lifetime(stored, rule) == 60s);
  stored.status = 404;
  CHECK(freshness_lifetime(stored, rule) == 5s);
  stored.status = 410;
  CHECK(freshness_lifetime(stored, rule) == 0s);
}

}  // namespace
}  // namespace larder::policy
