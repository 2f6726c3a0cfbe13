#include "policy/reuse.hpp"

#include <doctest/doctest.h>

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
    CHECK(decide_reuse(request.head, c.demands, &stored, rule, noon + c.resident) == c.expected);
  }
  CHECK(decide_reuse(request.head, {}, nullptr, rule, noon) ==
        ReuseDecision(Refill{ForwardReason::uri_miss, {}}));
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
