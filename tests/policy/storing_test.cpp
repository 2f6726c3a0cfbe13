#include "policy/storing.hpp"

#include <doctest/doctest.h>

#include "policy/reuse.hpp"
#include "support/heads.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr SystemSeconds noon{
    std::chrono::sys_seconds{std::chrono::seconds{784'111'777}}};  // RFC 9110's example

StoringDecision decide(const test::Response& response, seconds ttl = 60s,
                       std::uint64_t limit = 1000) {
  RouteRule rule;
  rule.ttl = ttl;
  const std::vector<KeyedField> keyed{{"accept", "application/json", {}}};
  return decide_storing({.head = response.head,
                         .rule = rule,
                         .keyed = keyed,
                         .request_time = noon,
                         .response_time = noon,
                         .object_limit = limit});
}

TEST_CASE("decide_storing: what is never kept, whatever the rule says") {
  struct Case {
    const char* name;
    std::vector<std::string> lines;
    std::optional<Detail> refused;  ///< none: kept
  };
  const Case cases[] = {
      {"a plain 200", {"HTTP/1.1 200 OK", "Content-Length: 2"}, std::nullopt},
      {"exactly at the size limit", {"HTTP/1.1 200 OK", "Content-Length: 1000"}, std::nullopt},
      {"one byte over the size limit",
       {"HTTP/1.1 200 OK", "Content-Length: 1001"},
       Detail::too_large},
      {"a 404", {"HTTP/1.1 404 Not Found", "Content-Length: 2"}, Detail::status_not_stored},
      {"a 206", {"HTTP/1.1 206 Partial Content", "Content-Length: 2"}, Detail::status_not_stored},
      {"a 500", {"HTTP/1.1 500 No", "Content-Length: 2"}, Detail::status_not_stored},
      {"Set-Cookie",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Set-Cookie: a=b"},
       Detail::set_cookie},
      {"no-store",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: no-store"},
       Detail::no_store},
      {"private",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: max-age=9, private"},
       Detail::is_private},
      {"private with field names keeps those out, not the response",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: private=\"x\""},
       std::nullopt},
      {"no-cache with something to ask by",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: no-cache", "ETag: \"a\""},
       std::nullopt},
      {"no-store with must-understand, of a status that is understood",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: no-store, must-understand"},
       std::nullopt},
      {"older than the ttl already, with something to ask by",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Age: 60", "ETag: \"a\""},
       std::nullopt},
      {"no-cache",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: no-cache"},
       Detail::no_cache},
      {"max-age=0 is replaced by the rule's word",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Cache-Control: max-age=0"},
       std::nullopt},
      {"Vary: *", {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: *"}, Detail::vary_star},
      {"Vary: Accept, *",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: Accept, *"},
       Detail::vary_star},
      {"Vary by a field in the key",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: Accept"},
       std::nullopt},
      {"Vary by Cookie, which a fill never sends",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: accept, cookie"},
       std::nullopt},
      {"Vary by a field outside the key",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: Accept, Origin"},
       Detail::vary_unkeyed},
      {"a second Vary line counts",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: Accept", "Vary: Origin"},
       Detail::vary_unkeyed},
      {"events",
       {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Type: text/event-stream"},
       Detail::event_stream},
      {"an end that is no more than the connection's",
       {"HTTP/1.1 200 OK"},
       Detail::content_cut_off},
      {"older than the ttl already",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Age: 60"},
       Detail::already_stale},
      {"a second younger than the ttl",
       {"HTTP/1.1 200 OK", "Content-Length: 2", "Age: 59"},
       std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    test::Response response({"HTTP/1.1 200 OK"});
    response.text->clear();
    for (const std::string& line : c.lines) *response.text += line + "\r\n";
    *response.text += "\r\n";
    REQUIRE(http::parse_response_head(*response.text, {}, http::Method::get, response.head) ==
            http::HeadError::none);
    const StoringDecision decision = decide(response);
    if (c.refused) {
      REQUIRE(std::holds_alternative<DoNotStore>(decision));
      CHECK(format_detail(std::get<DoNotStore>(decision).reason) == format_detail(*c.refused));
    } else {
      CHECK(std::holds_alternative<Keep>(decision));
    }
  }
}

TEST_CASE(
    "supersedes_stored: what speaks of the resource does, what speaks of the moment does not") {
  struct Case {
    std::uint16_t status;
    bool supersedes;
  };
  const Case cases[] = {{100, false}, {200, true},  {204, true},  {206, true},  {301, true},
                        {304, false}, {400, true},  {401, true},  {403, true},  {404, true},
                        {408, false}, {410, true},  {425, false}, {429, false}, {451, true},
                        {500, false}, {503, false}, {599, false}};
  for (const Case& c : cases) {
    CAPTURE(c.status);
    CHECK(supersedes_stored(c.status) == c.supersedes);
  }
}

TEST_CASE("decide_storing: what is kept of a response") {
  const test::Response response({"HTTP/1.1 200 OK", "Content-Type: application/json",
                                 "Content-Length: 2", "Age: 10", "X-Cache-Status: MISS",
                                 "Cache-Status: other; hit", "Connection: X-Hop", "X-Hop: 1",
                                 "Vary: Accept", "Via: 1.1 other"});
  const StoringDecision decision = decide(response);
  REQUIRE(std::holds_alternative<Keep>(decision));
  const Keep& keep = std::get<Keep>(decision);
  CHECK(keep.retention == 50s + default_if_unreachable);
  CHECK(keep.stored.lifetime == 60s);
  CHECK(keep.stored.initial_age == 10s);
  CHECK(keep.stored.vary == std::vector<std::string>{"accept"});
  CHECK(keep.stored.head ==
        "Content-Type: application/json\r\nCache-Status: other; hit\r\nVary: Accept\r\nVia: 1.1 "
        "other\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 larder\r\n");
}

TEST_CASE("decide_storing: other statuses") {
  struct Case {
    const char* name;
    const char* section;
    std::vector<std::string> lines;
    Share share;
    std::optional<Detail> refused;  ///< none: kept
  };
  const auto refused_status = Detail::status_not_stored;
  const Case cases[] = {
      {"any final status that says how long",
       "9111 3",
       {"HTTP/1.1 418 Teapot", "Cache-Control: max-age=9"},
       Share::everyone,
       std::nullopt},
      {"one that says nothing",
       "9111 4.2.2",
       {"HTTP/1.1 404 Not Found"},
       Share::everyone,
       Detail::no_freshness},
      {"a part of a response",
       "9111 3.3",
       {"HTTP/1.1 206 Partial Content", "Cache-Control: max-age=9"},
       Share::everyone,
       refused_status},
      {"a status that is not understood, where it must be",
       "9111 5.2.2.3",
       {"HTTP/1.1 299 Odd", "Cache-Control: max-age=9, must-understand"},
       Share::everyone,
       Detail::not_understood},
      {"a refusal of credentials that were not sent is not for those who send them",
       "9111 3.5",
       {"HTTP/1.1 401 No", "Cache-Control: max-age=9"},
       Share::everyone,
       refused_status},
      {"the same among those who send none",
       "9111 3",
       {"HTTP/1.1 401 No", "Cache-Control: max-age=9"},
       Share::anonymous,
       std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    std::vector<std::string> lines = c.lines;
    lines.emplace_back("Content-Length: 2");
    const test::Response response(lines);
    RouteRule rule;
    rule.origin.emplace();
    rule.share = c.share;
    const StoringDecision decision = decide_storing({.head = response.head,
                                                     .rule = rule,
                                                     .keyed = {},
                                                     .request_time = noon,
                                                     .response_time = noon,
                                                     .object_limit = 1000});
    if (c.refused) {
      REQUIRE(std::holds_alternative<DoNotStore>(decision));
      CHECK(format_detail(std::get<DoNotStore>(decision).reason) == format_detail(*c.refused));
    } else {
      CHECK(std::holds_alternative<Keep>(decision));
    }
  }
}

TEST_CASE("decide_storing: terms, validators, and fields that only one may have") {
  const test::Response response(
      {"HTTP/1.1 200 OK", "Content-Length: 2", "ETag: W/\"a\"",
       "Cache-Control: public, must-revalidate, stale-if-error=5, private=\"X-Mine, x-his\"",
       "X-Mine: 1", "X-His: 2", "X-Ours: 3", "Date: Sun, 06 Nov 1994 08:49:37 GMT"});
  const StoringDecision decision = decide(response);
  REQUIRE(std::holds_alternative<Keep>(decision));
  const StoredResponse& stored = std::get<Keep>(decision).stored;
  CHECK(stored.etag == "W/\"a\"");
  CHECK(stored.terms == StoredResponse::Terms{.validate_always = false,
                                              .never_stale = true,
                                              .for_credentials = true,
                                              .stale_while_revalidate = std::nullopt,
                                              .stale_if_error = 5s});
  CHECK(stored.field("x-ours") == "3");
  CHECK(stored.field("x-mine").empty());
  CHECK(stored.field("x-his").empty());
}

TEST_CASE("decide_storing: names to learn are those outside the key") {
  const test::Response response(
      {"HTTP/1.1 200 OK", "Content-Length: 2", "Vary: Origin, accept, X-A, Cookie"});
  const StoringDecision decision = decide(response);
  REQUIRE(std::holds_alternative<DoNotStore>(decision));
  CHECK(std::get<DoNotStore>(decision).unkeyed == LearnedVary::Names{"origin", "x-a"});
}

TEST_CASE("corrected_initial_age: RFC 9111 4.2.3") {
  struct Case {
    const char* name;
    std::vector<std::string> lines;
    seconds delay;
    seconds expected;
  };
  const Case cases[] = {
      {"neither Age nor Date", {}, 0s, 0s},
      {"the delay counts", {}, 3s, 3s},
      {"Age and delay add up", {"Age: 10"}, 3s, 13s},
      {"Date in the past", {"Date: Sun, 06 Nov 1994 08:49:27 GMT"}, 0s, 10s},
      {"Date in the future", {"Date: Sun, 06 Nov 1994 09:49:37 GMT"}, 0s, 0s},
      {"the greater of both", {"Age: 5", "Date: Sun, 06 Nov 1994 08:49:27 GMT"}, 0s, 10s},
      {"a malformed Age is none", {"Age: -5"}, 0s, 0s},
      {"of several the first counts", {"Age: 10 , 3600"}, 0s, 10s},
      {"also over lines", {"Age: 10", "Age: 3600"}, 0s, 10s},
      {"a first that is none is none", {"Age: old, 10"}, 0s, 0s},
      {"a malformed Date is none", {"Date: yesterday"}, 0s, 0s},
      {"an overlarge Age is as old as can be",
       {"Age: 99999999999999999999"},
       0s,
       seconds{2147483648}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    test::Response response({"HTTP/1.1 200 OK"});
    *response.text = "HTTP/1.1 200 OK\r\n";
    for (const std::string& line : c.lines) *response.text += line + "\r\n";
    *response.text += "\r\n";
    REQUIRE(http::parse_response_head(*response.text, {}, http::Method::get, response.head) ==
            http::HeadError::none);
    CHECK(corrected_initial_age(response.head.fields, noon - c.delay, noon) == c.expected);
  }
}

TEST_CASE("LearnedVary: bounded, sorted, without repeats") {
  LearnedVary learned;
  const LearnedVary::Names& before = learned.names();
  CHECK(before.empty());
  CHECK(learned.learn({"origin", "accept-language"}));
  CHECK(learned.learn({"origin"}));
  CHECK(learned.names() == LearnedVary::Names{"accept-language", "origin"});
  CHECK_FALSE(learned.learn({"a", "b", "c", "d", "e", "f", "g"}));
  CHECK(learned.names() == LearnedVary::Names{"accept-language", "origin"});
  CHECK(before.empty());
}

}  // namespace
}  // namespace larder::policy
