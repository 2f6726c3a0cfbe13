#include "policy/reuse.hpp"

#include <doctest/doctest.h>

#include "http/cache_control.hpp"
#include "support/heads.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr SystemSeconds noon{std::chrono::sys_seconds{std::chrono::seconds{1'700'000'000}}};

TEST_CASE("decide_reuse: fresh while the lifetime is greater than the age") {
  struct Case {
    const char* name;
    const char* section;
    seconds initial_age;
    seconds resident;
    Demands demands;
    ReuseDecision expected;
  };
  const Case cases[] = {
      {"just stored", "9111 4.2", 0s, 0s, {}, Reuse{0s, 60s}},
      {"fresh one second before the ttl", "9111 4.2", 0s, 59s, {}, Reuse{59s, 1s}},
      {"stale at exactly the ttl", "9111 4.2", 0s, 60s, {}, Refill{ForwardReason::stale, 0s}},
      {"stale long after", "9111 4.2", 0s, 90s, {}, Refill{ForwardReason::stale, -30s}},
      {"the age it came with counts", "9111 4.2.3", 50s, 9s, {}, Reuse{59s, 1s}},
      {"the age it came with makes it stale",
       "9111 4.2.3",
       50s,
       10s,
       {},
       Refill{ForwardReason::stale, 0s}},
      {"a clock that went back makes it no younger", "9111 4.2.3", 5s, -3600s, {}, Reuse{5s, 55s}},
      {"no-cache refuses what is stored",
       "9111 5.2.1.4",
       0s,
       0s,
       {.no_cache = true},
       Refill{ForwardReason::request, std::nullopt, Detail::request_no_cache}},
      {"only-if-cached takes what is fresh",
       "9111 5.2.1.7",
       0s,
       0s,
       {.only_if_cached = true},
       Reuse{0s, 60s}},
  };
  const test::Request request({"GET / HTTP/1.1", "Host: a"});
  RouteRule rule;
  rule.ttl = 60s;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    StoredResponse stored;
    stored.initial_age = c.initial_age;
    stored.response_time = noon;
    CHECK(decide_reuse(request.head, c.demands, &stored, false, rule, noon + c.resident) ==
          c.expected);
  }
  CHECK(decide_reuse(request.head, {}, nullptr, false, rule, noon) ==
        ReuseDecision(Refill{ForwardReason::uri_miss, {}}));
}

TEST_CASE("decide_reuse: what requests and responses say beyond the lifetime") {
  struct Case {
    const char* name;
    const char* section;
    seconds resident;
    Demands demands;
    StoredResponse::Terms terms;
    ReuseDecision expected;
  };
  const StoredResponse::Terms none;
  const Case cases[] = {
      {"max-age allows what is that old",
       "9111 5.2.1.1",
       10s,
       {.max_age = 10s},
       none,
       Reuse{10s, 50s}},
      {"max-age refuses what is older",
       "9111 5.2.1.1",
       11s,
       {.max_age = 10s},
       none,
       Refill{ForwardReason::request, 49s}},
      {"min-fresh is met", "9111 5.2.1.3", 10s, {.min_fresh = 50s}, none, Reuse{10s, 50s}},
      {"min-fresh is not",
       "9111 5.2.1.3",
       11s,
       {.min_fresh = 50s},
       none,
       Refill{ForwardReason::request, 49s}},
      {"max-stale takes what is stale",
       "9111 5.2.1.2",
       70s,
       {.max_stale = 10s},
       none,
       Reuse{70s, -10s, false, Detail::max_stale}},
      {"max-stale has an end",
       "9111 5.2.1.2",
       71s,
       {.max_stale = 10s},
       none,
       Refill{ForwardReason::stale, -11s}},
      {"max-stale does not go before must-revalidate",
       "9111 5.2.2.2",
       70s,
       {.max_stale = 10s},
       {.never_stale = true},
       Refill{ForwardReason::stale, -10s}},
      {"max-age bounds what max-stale allows",
       "9111 5.2.1.1",
       70s,
       {.max_age = 65s, .max_stale = 10s},
       none,
       Refill{ForwardReason::stale, -10s}},
      {"no-cache in the response asks each time",
       "9111 5.2.2.4",
       1s,
       {},
       {.validate_always = true},
       Refill{ForwardReason::stale, 59s, Detail::no_cache}},
      {"stale-while-revalidate serves and asks",
       "5861 3",
       69s,
       {},
       {.stale_while_revalidate = 10s},
       Reuse{69s, -9s, true, Detail::stale_while_revalidate}},
      {"stale-while-revalidate has an end",
       "5861 3",
       70s,
       {},
       {.stale_while_revalidate = 10s},
       Refill{ForwardReason::stale, -10s}},
      {"credentials are answered by what is public",
       "9111 3.5",
       1s,
       {.has_credentials = true},
       {.for_credentials = true},
       Reuse{1s, 59s}},
      {"only-if-cached does not pass credentials on",
       "9111 5.2.1.7",
       1s,
       {.only_if_cached = true, .has_credentials = true},
       none,
       Refill{ForwardReason::request, std::nullopt, Detail::not_for_credentials}},
      {"credentials are not answered by anything else",
       "9111 3.5",
       1s,
       {.has_credentials = true},
       none,
       OwnRequest{ForwardReason::request, Detail::not_for_credentials}},
  };
  const test::Request request({"GET / HTTP/1.1", "Host: a"});
  RouteRule rule;
  rule.ttl = 60s;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    StoredResponse stored;
    stored.response_time = noon;
    stored.terms = c.terms;
    CHECK(decide_reuse(request.head, c.demands, &stored, false, rule, noon + c.resident) ==
          c.expected);
  }
  CHECK(decide_reuse(request.head, {.has_credentials = true}, nullptr, false, rule, noon) ==
        ReuseDecision(OwnRequest{ForwardReason::uri_miss, Detail::credentials}));
  CHECK(decide_reuse(request.head, {.only_if_cached = true, .has_credentials = true}, nullptr,
                     false, rule, noon) ==
        ReuseDecision(Refill{ForwardReason::uri_miss, std::nullopt, Detail::credentials}));
}

TEST_CASE("decide_reuse: what a soft purge has made stale is stale from now on") {
  struct Case {
    const char* name;
    std::optional<seconds> while_revalidate;
    StoredResponse::Terms terms;
    Demands demands;
    seconds resident;
    ReuseDecision expected;
  };
  const Case cases[] = {
      {"fresh by its age", {}, {}, {}, 10s, Refill{ForwardReason::stale, 0s}},
      {"served while it is asked for again",
       1s,
       {},
       {},
       10s,
       Reuse{10s, 0s, true, Detail::stale_while_revalidate}},
      {"stale by its age as well", 30s, {}, {}, 90s, Refill{ForwardReason::stale, -30s}},
      {"must-revalidate", 30s, {.never_stale = true}, {}, 10s, Refill{ForwardReason::stale, 0s}},
      {"the request takes what is stale",
       {},
       {},
       {.max_stale = 5s},
       10s,
       Reuse{10s, 0s, false, Detail::max_stale}},
      {"the request wants it fresh",
       30s,
       {},
       {.min_fresh = 1s},
       10s,
       Refill{ForwardReason::stale, 0s}},
  };
  const test::Request request({"GET / HTTP/1.1", "Host: a"});
  for (const Case& c : cases) {
    CAPTURE(c.name);
    RouteRule rule;
    rule.ttl = 60s;
    rule.stale_while_revalidate = c.while_revalidate;
    StoredResponse stored;
    stored.response_time = noon;
    stored.terms = c.terms;
    CHECK(decide_reuse(request.head, c.demands, &stored, true, rule, noon + c.resident) ==
          c.expected);
  }
  StoredResponse stored;
  stored.response_time = noon;
  RouteRule rule;
  rule.ttl = 60s;
  CHECK(decide_stale_reuse(stored, true, {}, rule, OriginTrouble::unreachable, noon + 10s) ==
        Reuse{10s, 0s, false, Detail::stale_if_error});
}

TEST_CASE("decide_stale_reuse: what may stand in for an origin in trouble") {
  using Trouble = OriginTrouble;
  struct Case {
    const char* name;
    std::optional<seconds> by_rule;
    StoredResponse::Terms terms;
    Trouble trouble;
    seconds stale_for;
    bool served;
    std::optional<seconds> by_request{};
  };
  const StoredResponse::Terms none;
  const Case cases[] = {
      {"nobody says, unreachable", {}, none, Trouble::unreachable, 300s, true},
      {"nobody says, unreachable for long", {}, none, Trouble::unreachable, 301s, false},
      {"nobody says, an error", {}, none, Trouble::error_status, 1s, false},
      {"the response says", {}, {.stale_if_error = 20s}, Trouble::error_status, 20s, true},
      {"the response says, later", {}, {.stale_if_error = 20s}, Trouble::error_status, 21s, false},
      {"the rule goes before it", 40s, {.stale_if_error = 20s}, Trouble::error_status, 40s, true},
      {"the rule says never", 0s, none, Trouble::unreachable, 1s, false},
      {"must-revalidate forbids it", 40s, {.never_stale = true}, Trouble::unreachable, 1s, false},
      {"no-cache forbids it", 40s, {.validate_always = true}, Trouble::unreachable, 1s, false},
      {"the request allows it", {}, none, Trouble::error_status, 30s, true, 30s},
      {"the request allows less", {}, none, Trouble::error_status, 31s, false, 30s},
      {"the request allows more than the response",
       {},
       {.stale_if_error = 20s},
       Trouble::error_status,
       30s,
       true,
       30s},
      {"the request takes nothing away from what others allow",
       {},
       none,
       Trouble::unreachable,
       300s,
       true,
       0s},
      {"the rule goes before the request", 20s, none, Trouble::unreachable, 21s, false, 900s},
      {"must-revalidate does too", {}, {.never_stale = true}, Trouble::unreachable, 1s, false, 9s},
      {"and no-cache", {}, {.validate_always = true}, Trouble::error_status, 1s, false, 9s},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    RouteRule rule;
    rule.ttl = 60s;
    rule.stale_if_error = c.by_rule;
    StoredResponse stored;
    stored.response_time = noon;
    stored.terms = c.terms;
    const std::optional<Reuse> reuse = decide_stale_reuse(
        stored, false, {.stale_if_error = c.by_request}, rule, c.trouble, noon + 60s + c.stale_for);
    CHECK(reuse.has_value() == c.served);
    if (reuse) CHECK(reuse->ttl == -c.stale_for);
  }
}

TEST_CASE("current_age: over clocks that differ (RFC 9111 4.2.3)") {
  struct Case {
    const char* name;
    seconds initial_age;
    seconds ahead;  ///< how far `response_time`, of whoever stored it, is ahead of `now`
    seconds expected;
  };
  constexpr seconds long_ago = noon.time_since_epoch();
  const Case cases[] = {
      {"stored this second", 0s, 0s, 0s},
      {"stored a minute ago", 0s, -60s, 60s},
      {"stored a minute ago, and old by then", 30s, -60s, 90s},
      {"stored by a clock that is a second ahead", 0s, 1s, 0s},
      {"stored by a clock that is a minute ahead: no younger than it came", 30s, 60s, 30s},
      {"stored by a clock that is decades ahead", 30s, long_ago, 30s},
      {"stored at the beginning of the epoch", 0s, -long_ago, long_ago},
      {"as old as can be, and stored at the beginning of the epoch", http::forever, -long_ago,
       http::forever + long_ago},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    StoredResponse stored;
    stored.initial_age = c.initial_age;
    stored.response_time = noon + c.ahead;
    CHECK(current_age(stored, noon) == c.expected);
  }
}

TEST_CASE("decide_reuse: a clock that is behind serves for the difference longer, and no more") {
  struct Case {
    const char* name;
    seconds since_stored;  ///< in truth
    seconds behind;        ///< the clock of who reuses it; below zero: ahead
    bool reused;
  };
  const Case cases[] = {
      {"both clocks right, the last second", 59s, 0s, true},
      {"both clocks right, the end", 60s, 0s, false},
      {"ten seconds behind, the last second", 69s, 10s, true},
      {"ten seconds behind, the end", 70s, 10s, false},
      {"ten seconds ahead, the last second", 49s, -10s, true},
      {"ten seconds ahead, the end", 50s, -10s, false},
  };
  const test::Request request({"GET / HTTP/1.1", "Host: a"});
  RouteRule rule;
  rule.ttl = 60s;
  StoredResponse stored;
  stored.response_time = noon;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ReuseDecision decision =
        decide_reuse(request.head, {}, &stored, false, rule, noon + c.since_stored - c.behind);
    CHECK(std::holds_alternative<Reuse>(decision) == c.reused);
  }
}

TEST_CASE("fresh_for: how long anybody may have it without the origin being asked") {
  RouteRule rule;
  rule.ttl = 60s;
  StoredResponse stored;
  stored.response_time = noon;
  stored.initial_age = 10s;
  CHECK(fresh_for(stored, rule, noon + 20s) == 30s);
  CHECK(fresh_for(stored, rule, noon + 55s) == -5s);
  stored.terms.validate_always = true;
  CHECK(fresh_for(stored, rule, noon) == 0s);
}

TEST_CASE("is_selected: who may get a response that varies by what a fill never sends") {
  const test::Request plain({"GET / HTTP/1.1", "Host: a"});
  const test::Request with_cookie({"GET / HTTP/1.1", "Host: a", "Cookie: csrftoken=1"});
  const test::Request with_token({"GET / HTTP/1.1", "Host: a", "Authorization: Bearer x"});
  struct Case {
    const char* name;
    std::vector<std::string> vary;
    const http::RequestHead& head;
    Share share;
    bool selected;
  };
  const Case cases[] = {
      {"no Vary", {}, with_cookie.head, Share::anonymous, true},
      {"Vary: Cookie, request without", {"cookie"}, plain.head, Share::anonymous, true},
      {"Vary: Cookie, request with", {"cookie"}, with_cookie.head, Share::anonymous, false},
      {"Vary: Cookie, shared with everyone", {"cookie"}, with_cookie.head, Share::everyone, true},
      {"Vary: Accept, Cookie, request with",
       {"accept", "cookie"},
       with_cookie.head,
       Share::anonymous,
       false},
      {"Vary: Authorization, request with",
       {"authorization"},
       with_token.head,
       Share::anonymous,
       false},
      {"Vary: Authorization, shared with everyone",
       {"authorization"},
       with_token.head,
       Share::everyone,
       true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(is_selected(c.vary, c.head, c.share) == c.selected);
  }
}

}  // namespace
}  // namespace larder::policy
