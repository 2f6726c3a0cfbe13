#include "policy/cache_status.hpp"

#include <doctest/doctest.h>

#include "policy/problem.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

TEST_CASE("append_cache_status: RFC 9211, and the word nginx and django-redis users know") {
  struct Case {
    const char* name;
    CacheOutcome outcome;
    const char* expected;
  };
  const Case cases[] = {
      {"a hit",
       {.result = CacheResult::hit, .ttl = 59s},
       "X-Cache-Status: HIT\r\nCache-Status: larder; hit; ttl=59\r\n"},
      {"a miss that was stored",
       {.result = CacheResult::miss, .forward = ForwardReason::uri_miss, .stored = true},
       "X-Cache-Status: MISS\r\nCache-Status: larder; fwd=uri-miss; stored\r\n"},
      {"a miss that joined",
       {.result = CacheResult::miss,
        .forward = ForwardReason::uri_miss,
        .stored = true,
        .collapsed = true},
       "X-Cache-Status: MISS\r\nCache-Status: larder; fwd=uri-miss; stored; collapsed\r\n"},
      {"expired",
       {.result = CacheResult::expired, .forward = ForwardReason::stale, .ttl = -3s},
       "X-Cache-Status: EXPIRED\r\nCache-Status: larder; fwd=stale; ttl=-3\r\n"},
      {"passed on, and why",
       {.result = CacheResult::bypass, .forward = ForwardReason::bypass, .detail = Detail::no_rule},
       "X-Cache-Status: BYPASS\r\nCache-Status: larder; fwd=bypass; detail=no-rule\r\n"},
      {"neither stored nor asked for: Larder's own answer",
       {.result = CacheResult::miss, .detail = Detail::not_stored_lately},
       "X-Cache-Status: MISS\r\nCache-Status: larder; detail=not-stored-lately\r\n"},
      {"stale, without asking",
       {.result = CacheResult::stale, .ttl = -3s, .detail = Detail::max_stale},
       "X-Cache-Status: STALE\r\nCache-Status: larder; hit; ttl=-3; detail=max-stale\r\n"},
      {"with its key, quoted",
       {.result = CacheResult::hit, .key = "a\"b\\c"},
       "X-Cache-Status: HIT\r\nCache-Status: larder; hit; key=\"a\\\"b\\\\c\"\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string out;
    append_cache_status(c.outcome, out);
    CHECK(out == c.expected);
  }
}

TEST_CASE("format_problem: RFC 9457, escaped") {
  CHECK(format_problem(502, "a \"quoted\" \\ detail\n") ==
        "{\"type\":\"about:blank\",\"title\":\"Bad Gateway\",\"status\":502,"
        "\"detail\":\"a \\\"quoted\\\" \\\\ detail\"}\n");
}

}  // namespace
}  // namespace larder::policy
