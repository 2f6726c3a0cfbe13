#include "policy/lookup.hpp"

#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "http/target.hpp"
#include "policy/route_index.hpp"
#include "support/heads.hpp"
#include "support/tokens.hpp"

namespace larder::policy {
namespace {

using test::Request;

RouteRule make_rule(const std::string& path, const std::string& key = "{path}?{query}") {
  RouteRule rule;
  rule.name = "rule";
  rule.paths = {std::get<PathPattern>(parse_path_pattern(path))};
  rule.ttl = seconds{60};
  rule.key = std::get<KeyTemplate>(parse_key_template(key));
  rule.vary = {{"accept", {"application/json", "text/html"}}};
  rule.fingerprint = 0x1234;
  return rule;
}

struct Looked {
  LookupDecision decision;
  bool has_key = false;
  std::string key;
  FillRequest fill;
};

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'000'000)};

/// As the tests' only user database would have it: who has which session does not matter.
identity::Identification identify(const http::Fields& fields, bool by_session) {
  auto rules = std::make_shared<identity::TokenRules>();
  rules->keys.push_back(
      std::get<identity::Key>(identity::make_secret_key(std::string(test::secret))));
  rules->algorithms = {identity::Algorithm::hs256};
  identity::Identifier identifier(rules, {"sessionid"}, by_session);
  return identifier.identify(fields, now);
}

Looked look(const Request& request, const Routes& routes, bool trusted = false,
            const LearnedVary::Names& learned = {}, bool by_session = false) {
  std::string path;
  const bool ambiguous = http::normalise_path(request.head.path, path) != http::Ambiguity::none;
  const RouteMatch match = ambiguous ? RouteMatch{} : RouteIndex(routes.rules).match(path);
  const ForwardedFacts forwarded = decide_forwarded(request.head, "192.0.2.1", trusted, "http");
  const std::vector<std::string> session_cookies{"sessionid"};
  const identity::Identification who = identify(request.head.fields, by_session);
  const LookupFacts facts{.head = request.head,
                          .match = match,
                          .path = path,
                          .ambiguous = ambiguous,
                          .forwarded = forwarded,
                          .session_cookies = session_cookies,
                          .who = &who};
  Looked looked{.decision = decide_lookup(facts), .key = {}, .fill = {}};
  if (match.rule) {
    looked.has_key = append_cache_key(facts, learned, looked.key);
    looked.fill = make_fill_request(facts, learned);
  }
  return looked;
}

Looked look(const Request& request, const RouteRule& rule, bool trusted = false,
            const LearnedVary::Names& learned = {}, bool by_session = false) {
  Routes routes;
  routes.rules.push_back(rule);
  Looked looked = look(request, routes, trusted, learned, by_session);
  return looked;
}

Request get(const std::string& target, std::initializer_list<std::string> fields = {}) {
  Request request({"GET / HTTP/1.1", "Host: x"});
  *request.text = "GET " + target + " HTTP/1.1\r\nHost: api.example\r\n";
  for (const std::string& field : fields) *request.text += field + "\r\n";
  *request.text += "\r\n";
  REQUIRE(http::parse_request_head(*request.text, {}, request.head) == http::HeadError::none);
  return request;
}

TEST_CASE("decide_lookup: which requests the store has no part in, and why") {
  struct Case {
    const char* name;
    std::vector<std::string> lines;
    Share share = Share::anonymous;
    std::optional<ForwardReason> reason = std::nullopt;  ///< none: looked up
    Detail detail = Detail::none;
  };
  const std::vector<Case> cases = {
      {"a plain GET is looked up", {"GET /api/a/ HTTP/1.1"}},
      {"HEAD is looked up", {"HEAD /api/a/ HTTP/1.1"}},
      {"POST is not", {"POST /api/a/ HTTP/1.1"}, Share::anonymous, ForwardReason::method},
      {"OPTIONS is not", {"OPTIONS /api/a/ HTTP/1.1"}, Share::anonymous, ForwardReason::method},
      {"no rule",
       {"GET /other/ HTTP/1.1"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::no_rule},
      {"an encoded slash",
       {"GET /api%2Fa/ HTTP/1.1"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::ambiguous_target},
      {"GET with content",
       {"GET /api/a/ HTTP/1.1", "Content-Length: 2"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::request_content},
      {"a condition for the origin",
       {"GET /api/a/ HTTP/1.1", "If-Match: \"a\""},
       Share::everyone,
       ForwardReason::bypass,
       Detail::conditional_request},
      {"an upgrade",
       {"GET /api/a/ HTTP/1.1", "Upgrade: websocket", "Connection: upgrade"},
       Share::everyone,
       ForwardReason::bypass,
       Detail::upgrade_request},
      {"Authorization, for anonymous requests only",
       {"GET /api/a/ HTTP/1.1", "Authorization: Bearer x"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::credentials},
      {"Authorization, shared with everyone",
       {"GET /api/a/ HTTP/1.1", "Authorization: Bearer x"},
       Share::everyone},
      {"a session cookie",
       {"GET /api/a/ HTTP/1.1", "Cookie: a=b; sessionid=c"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::credentials},
      {"a cookie that only looks like one",
       {"GET /api/a/ HTTP/1.1", "Cookie: xsessionid=c; a=sessionid"}},
      {"a session cookie in a second line",
       {"GET /api/a/ HTTP/1.1", "Cookie: a=b", "Cookie: sessionid=c"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::credentials},
      {"a session cookie, shared with everyone",
       {"GET /api/a/ HTTP/1.1", "Cookie: sessionid=c"},
       Share::everyone},
      {"no-store",
       {"GET /api/a/ HTTP/1.1", "Cache-Control: no-store"},
       Share::anonymous,
       ForwardReason::bypass,
       Detail::request_no_store},
      {"no-cache is looked up, to be refused later",
       {"GET /api/a/ HTTP/1.1", "Cache-Control: no-cache"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Request request({"GET / HTTP/1.1", "Host: x"});
    request.text->clear();
    for (const std::string& line : c.lines) *request.text += line + "\r\n";
    *request.text += "Host: api.example\r\n\r\n";
    REQUIRE(http::parse_request_head(*request.text, {}, request.head) == http::HeadError::none);
    RouteRule rule = make_rule("/api/a/");
    rule.share = c.share;
    const Looked looked = look(request, rule);
    if (c.reason) {
      REQUIRE(std::holds_alternative<PassOn>(looked.decision));
      CHECK(std::get<PassOn>(looked.decision).reason == *c.reason);
      CHECK(std::get<PassOn>(looked.decision).detail == c.detail);
    } else {
      CHECK(std::holds_alternative<LookUp>(looked.decision));
    }
  }
}

TEST_CASE("decide_lookup: a rule that is off takes its requests away from the store") {
  RouteRule rule = make_rule("/api/a/");
  rule.mode = Mode::off;
  const auto pass_on = [&](const std::string& line) {
    Request request({"GET / HTTP/1.1", "Host: x"});
    *request.text = line + "\r\nHost: api.example\r\n\r\n";
    REQUIRE(http::parse_request_head(*request.text, {}, request.head) == http::HeadError::none);
    return std::get<PassOn>(look(request, rule).decision);
  };
  CHECK(pass_on("GET /api/a/ HTTP/1.1").reason == ForwardReason::bypass);
  CHECK(pass_on("GET /api/a/ HTTP/1.1").detail == Detail::mode_off);
  CHECK(pass_on("HEAD /api/a/ HTTP/1.1").detail == Detail::mode_off);
  CHECK(pass_on("POST /api/a/ HTTP/1.1").reason == ForwardReason::method);
  CHECK(pass_on("GET /api/b/ HTTP/1.1").detail == Detail::no_rule);
}

TEST_CASE("append_cache_key: requests that mean the same share a key") {
  RouteRule rule = make_rule("/api/<path:rest>");
  rule.vary.push_back({"accept-language", {"de", "en"}});
  struct Case {
    const char* name;
    Request a, b;
  };
  std::vector<Case> cases;
  cases.push_back({"the order of parameters", get("/api/a/?b=1&a=2"), get("/api/a/?a=2&b=1")});
  cases.push_back({"encoded unreserved characters", get("/api/%61/?x=%7E"), get("/api/a/?x=~")});
  cases.push_back(
      {"an empty query, which WSGI cannot tell from none", get("/api/a/?"), get("/api/a/")});
  cases.push_back({"the case of a host", get("/api/a/"),
                   Request({"GET /api/a/ HTTP/1.1", "Host: API.Example"})});
  cases.push_back(
      {"two browsers' Accept",
       get("/api/a/",
           {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}),
       get("/api/a/", {"Accept: text/html,application/xhtml+xml,*/*;q=0.5"})});
  cases.push_back({"languages, of which the same one is on offer",
                   get("/api/a/", {"Accept-Language: de-AT,de;q=0.9,en;q=0.8"}),
                   get("/api/a/", {"Accept-Language: fr, de"})});
  cases.push_back({"languages, of which none is on offer", get("/api/a/", {"Accept-Language: fr"}),
                   get("/api/a/")});
  cases.push_back(
      {"fields outside the key", get("/api/a/", {"User-Agent: x", "X-Any: y"}), get("/api/a/")});
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(look(c.a, rule).key == look(c.b, rule).key);
  }
}

TEST_CASE("append_cache_key: requests that differ never share a key") {
  // Every pair of these has to differ.
  const RouteRule rule = make_rule("/api/<path:rest>");
  std::vector<Request> requests;
  for (const char* target :
       {"/api/a/", "/api/a", "/api/A/", "/api/a/?a", "/api/a/?a=", "/api/a/?a=1", "/api/a/?a=1&a=2",
        "/api/a/?a=2&a=1", "/api/a/?a=1%26b=2", "/api/a/?a=1&b=2", "/api/a/?a=%3Bb",
        "/api/a/?a%3D=1", "/api/a/%3Fa=1", "/api/a/?a=+", "/api/a/?a=%2B", "/api/a%3B/"})
    requests.push_back(get(target));
  requests.push_back(get("/api/a/", {"Accept: text/html"}));
  requests.push_back(get("/api/a/", {"Accept: application/json"}));
  requests.push_back(get("/api/a/", {"Accept: text/csv"}));
  requests.push_back(Request({"GET /api/a/ HTTP/1.1", "Host: api.example:8080"}));
  requests.push_back(Request({"GET /api/a/ HTTP/1.1", "Host: other.example"}));
  std::set<std::string> keys;
  std::size_t with_key = 0;
  for (const Request& request : requests) {
    const Looked looked = look(request, rule);
    const auto* pass = std::get_if<PassOn>(&looked.decision);
    if (pass || !looked.has_key) continue;
    CAPTURE(request.head.path);
    ++with_key;
    CHECK(keys.insert(looked.key).second);
  }
  CHECK(with_key >= 18);
}

TEST_CASE(
    "append_cache_key: the scheme and host a trusted hop names count, an untrusted one's do not") {
  const RouteRule rule = make_rule("/api/a/");
  const Request plain = get("/api/a/");
  const Request secure = get("/api/a/", {"X-Forwarded-Proto: https"});
  const Request renamed = get("/api/a/", {"X-Forwarded-Host: evil.example"});
  const Request port = get("/api/a/", {"X-Forwarded-Port: 8443"});
  CHECK(look(plain, rule, true).key != look(secure, rule, true).key);
  CHECK(look(plain, rule, true).key != look(renamed, rule, true).key);
  CHECK(look(plain, rule, true).key != look(port, rule, true).key);
  CHECK(look(plain, rule, false).key == look(secure, rule, false).key);
  CHECK(look(plain, rule, false).key == look(renamed, rule, false).key);
  CHECK(look(plain, rule, false).key == look(port, rule, false).key);
}

TEST_CASE("append_cache_key: what the last fields added is added again for them alone") {
  const Request plain = get("/api/a/");
  const Request other = get("/api/b/?c=d");
  const Request json = get("/api/a/", {"Accept: application/json", "X-Region: eu"});
  const Request html = get("/api/a/", {"Accept: text/html", "X-Region: us"});
  const RouteRule by_accept = make_rule("/api/<path:rest>");
  RouteRule by_region = by_accept;
  by_region.vary = {{"x-region", {}}};
  const LearnedVary::Names nothing;
  const LearnedVary::Names region{"x-region"};
  struct Step {
    const char* name;
    const Request& request;
    std::uint64_t section;
    const RouteRule& rule;
    const LearnedVary::Names& learned;
  };
  const Step steps[] = {
      {"the first", plain, 1, by_accept, nothing},
      {"the same fields for another URL", other, 1, by_accept, nothing},
      {"other fields", json, 2, by_accept, nothing},
      {"the same ones under another rule", json, 2, by_region, nothing},
      {"and under the first again", json, 2, by_accept, nothing},
      {"when more has been learned", json, 2, by_accept, region},
      {"other fields again", html, 3, by_accept, region},
      {"fields that nobody counts", json, 0, by_accept, region},
      {"and counted ones behind them", html, 3, by_accept, region},
  };
  VariantMemory memory;
  for (const Step& step : steps) {
    CAPTURE(step.name);
    const RouteMatch match{.rule = &step.rule, .parameters = {}};
    const ForwardedFacts forwarded =
        decide_forwarded(step.request.head, "192.0.2.1", false, "http");
    http::RequestHead head = step.request.head;
    const auto key_with = [&](std::uint64_t section, VariantMemory* variants) {
      head.section = section;
      std::string key;
      CHECK(append_cache_key({.head = head,
                              .match = match,
                              .path = head.path,
                              .forwarded = forwarded,
                              .session_cookies = {},
                              .variants = variants},
                             step.learned, key));
      return key;
    };
    CHECK(key_with(step.section, &memory) == key_with(0, nullptr));
  }
}

TEST_CASE("append_cache_key: parts cannot run into each other") {
  const RouteRule rule = make_rule("/<str:a>/<str:b>/", "{a}-{b}");
  CHECK(look(get("/1-2/3/"), rule).key != look(get("/1/2-3/"), rule).key);
  const RouteRule cookies = make_rule("/api/a/", "{path}{cookie.a}{cookie.b}");
  CHECK(look(get("/api/a/", {"Cookie: a=1%3B"}), cookies).key !=
        look(get("/api/a/", {"Cookie: a=1"}), cookies).key);
  CHECK(look(get("/api/a/", {"Cookie: a="}), cookies).key != look(get("/api/a/"), cookies).key);
  CHECK(look(get("/api/a/", {"Cookie: a=1"}), cookies).key !=
        look(get("/api/a/", {"Cookie: b=1"}), cookies).key);
}

TEST_CASE("append_cache_key: a changed meaning of the rule changes every key") {
  RouteRule rule = make_rule("/api/a/");
  const std::string before = look(get("/api/a/"), rule).key;
  rule.fingerprint = 0x1235;
  CHECK(look(get("/api/a/"), rule).key != before);
}

TEST_CASE("a query with no single meaning has no key") {
  const RouteRule rule = make_rule("/api/a/");
  CHECK_FALSE(look(get("/api/a/?a=1;b=2"), rule).has_key);
  CHECK_FALSE(look(get("/api/a/?a=%zz"), rule).has_key);
  CHECK(look(get("/api/a/?a=1"), rule).has_key);
}

TEST_CASE(
    "make_fill_request: what the key does not know is not sent, and told when it may have "
    "mattered") {
  const RouteRule rule = make_rule("/api/a/", "{path}?{query.page,format}");
  struct Case {
    const char* name;
    Request request;
    const char* target;
    bool differs;
  };
  std::vector<Case> cases;
  cases.push_back({"nothing to leave out", get("/api/a/?page=2"), "/api/a/?page=2", false});
  cases.push_back(
      {"a parameter outside the key", get("/api/a/?utm=1&page=2"), "/api/a/?page=2", true});
  cases.push_back(
      {"sorted", get("/api/a/?page=2&format=json"), "/api/a/?format=json&page=2", false});
  cases.push_back({"no query left", get("/api/a/?utm=1"), "/api/a/", true});
  cases.push_back({"what tells about the client only",
                   get("/api/a/", {"User-Agent: x", "Referer: y", "Sec-Fetch-Mode: cors"}),
                   "/api/a/", false});
  cases.push_back({"preconditions", get("/api/a/", {"If-None-Match: \"x\""}), "/api/a/", false});
  cases.push_back({"a token", get("/api/a/", {"Authorization: Bearer x"}), "/api/a/", true});
  cases.push_back({"a cookie", get("/api/a/", {"Cookie: a=b"}), "/api/a/", true});
  cases.push_back({"an unknown field", get("/api/a/", {"X-Tenant: b"}), "/api/a/", true});
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const FillRequest fill = look(c.request, rule).fill;
    CHECK(fill.target == c.target);
    CHECK(fill.differs == c.differs);
  }
}

TEST_CASE(
    "make_fill_request: an Accept that the rule does not vary by is left out, and may matter") {
  RouteRule rule = make_rule("/api/a/");
  const Request html = get("/api/a/", {"Accept: text/html"});
  CHECK_FALSE(look(html, rule).fill.differs);
  rule.vary = {{"accept-language", {}}};
  CHECK(look(html, rule).fill.keyed.size() == 1);
  CHECK(look(html, rule).fill.differs);
}

TEST_CASE("wants_explanation: only when asked, and only from a trusted address") {
  const Request asks = get("/", {"Larder-Explain: 1"});
  const Request silent = get("/");
  CHECK(wants_explanation(asks.head, decide_forwarded(asks.head, "127.0.0.1", true, "http")));
  CHECK_FALSE(
      wants_explanation(asks.head, decide_forwarded(asks.head, "192.0.2.1", false, "http")));
  CHECK_FALSE(
      wants_explanation(silent.head, decide_forwarded(silent.head, "127.0.0.1", true, "http")));
}

TEST_CASE("a parameter's name counts however it is encoded") {
  const RouteRule rule = make_rule("/api/a/", "{path}?{query.filter[x]}");
  const Looked looked = look(get("/api/a/?filter%5Bx%5D=1"), rule);
  CHECK_FALSE(looked.fill.differs);
  CHECK(looked.key != look(get("/api/a/?filter%5Bx%5D=2"), rule).key);
}

TEST_CASE("url_with_variants: what clients may vary freely stands behind the URL they share") {
  RouteRule rule = make_rule("/api/a/", "{path}|{header.X-Tenant}");
  rule.vary = {{"accept", {"application/json", "text/html"}}, {"accept-language", {"de", "en"}}};
  const auto url = [&](const Request& request, const LearnedVary::Names& learned = {}) {
    return std::string(url_with_variants(look(request, rule, true, learned).key));
  };
  const Request plain = get("/api/a/");
  CHECK(url(plain).empty());
  CHECK(url(get("/api/a/", {"Accept: text/html", "Accept-Language: de-AT, fr"})).empty());
  CHECK(url(get("/api/a/", {"X-Tenant: b"})).empty());
  CHECK(url(plain, {"accept-encoding"}).empty());
  CHECK_FALSE(url(get("/api/a/", {"Accept: text/csv"})).empty());
  CHECK_FALSE(url(get("/api/a/", {"X-Forwarded-Port: 8443"})).empty());

  const std::string by_flavour = url(plain, {"x-flavour"});
  CHECK_FALSE(by_flavour.empty());
  CHECK(url(get("/api/a/", {"X-Flavour: a|b"}), {"x-flavour"}) == by_flavour);
  CHECK(url(get("/api/a/", {"X-Flavour: a", "X-Size: b"}), {"x-flavour", "x-size"}) == by_flavour);
  CHECK(url(get("/api/a/", {"X-Tenant: b"}), {"x-flavour"}) != by_flavour);
  CHECK(url(get("/api/a/", {"Accept-Language: en"}), {"x-flavour"}) != by_flavour);
  rule.vary.pop_back();
  const Request french = get("/api/a/", {"Accept-Language: fr"});
  CHECK(url(french, {"accept-language"}) == url(plain, {"accept-language"}));
}

TEST_CASE("make_fill_request: fields in the key are sent as the key knows them") {
  RouteRule rule = make_rule("/api/a/", "{path}{header.X-Tenant}{cookie.lang}");
  const Looked looked = look(get("/api/a/", {"X-Tenant: b", "Cookie: lang=fr; csrftoken=1",
                                             "Accept: text/html,*/*;q=0.8"}),
                             rule, false, {"accept-language"});
  std::string head;
  const Request request({"GET /api/a/ HTTP/1.1", "Host: API.Example"});
  append_fill_head(request.head, decide_forwarded(request.head, "192.0.2.1", false, "http"),
                   looked.fill.target, looked.fill.keyed, looked.fill.cookie, head);
  CHECK(head.starts_with("GET /api/a/ HTTP/1.1\r\nHost: api.example\r\n"));
  CHECK(head.find("X-Forwarded-Host: api.example\r\n") != std::string::npos);
  CHECK(head.find("x-tenant: b\r\n") != std::string::npos);
  CHECK(head.find("Cookie: lang=fr\r\n") != std::string::npos);
  CHECK(head.find("accept: text/html\r\n") != std::string::npos);
  CHECK(head.find("csrftoken") == std::string::npos);
  CHECK(head.find("accept-language") == std::string::npos);
}

TEST_CASE("make_fill_request: languages and media types are sent in their normal form") {
  RouteRule rule = make_rule("/api/a/");
  const auto sent = [&](std::initializer_list<std::string> fields,
                        const LearnedVary::Names& learned = {}) {
    const Looked looked = look(get("/api/a/", fields), rule, false, learned);
    std::string all;
    for (const KeyedField& field : looked.fill.keyed)
      if (field.value) all += field.sent.empty() ? *field.value + ";;" : field.sent + ";;";
    return all;
  };
  rule.vary = {{"accept-language", {"de", "en"}}};
  CHECK(sent({"Accept-Language: en-GB, de;q=0.5"}) == "en;;");
  CHECK(sent({"Accept-Language: fr"}).empty());
  rule.vary = {};
  CHECK(sent({"Accept-Language: en;q=0.5 , DE", "Accept: Text/HTML"},
             {"accept", "accept-language"}) == "text/html;;de,en;q=0.5;;");
  CHECK(sent({}, {"accept", "accept-language"}) == "*/*;;");
}

std::string bearer(const std::string& claims, std::string_view key = test::secret) {
  return "Authorization: Bearer " + test::make_token(claims, R"({"alg":"HS256"})", key);
}
const std::string seven = bearer(R"({"user_id":7,"exp":2000000})");
const std::string seven_anew = bearer(R"({"user_id":7,"exp":2000001,"tenant":"a"})");
const std::string eight = bearer(R"({"user_id":8,"exp":2000000})");

RouteRule make_per_user_rule(const std::string& key = "{path}?{query}") {
  RouteRule rule = make_rule("/api/a/", key);
  rule.share = Share::per_user;
  return rule;
}

TEST_CASE("decide_lookup, per user: whoever is not known is passed on, and told why") {
  struct Case {
    const char* name;
    std::initializer_list<std::string> fields;
    Detail detail;  ///< none: looked up
  };
  const Case cases[] = {
      {"a verified token", {seven}, Detail::none},
      {"nobody", {}, Detail::no_identity},
      {"a session, where only tokens count", {"Cookie: sessionid=a"}, Detail::no_identity},
      {"a token and a session", {seven, "Cookie: sessionid=a"}, Detail::several_identities},
      {"no token at all", {"Authorization: Bearer x"}, Detail::token_malformed},
      {"forged", {bearer(R"({"user_id":7,"exp":2000000})", "x")}, Detail::token_signature},
      {"expired", {bearer(R"({"user_id":7,"exp":1000000})")}, Detail::token_expired},
      {"ahead",
       {bearer(R"({"user_id":7,"exp":2000000,"nbf":1000001})")},
       Detail::token_not_yet_valid},
      {"for others", {bearer(R"({"user_id":7,"exp":2000000,"aud":"x"})")}, Detail::token_audience},
      {"of nobody", {bearer(R"({"exp":2000000})")}, Detail::token_claims},
      {"a refresh token",
       {bearer(R"({"user_id":7,"exp":2000000,"token_type":"refresh"})")},
       Detail::token_claims},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Looked looked = look(get("/api/a/", c.fields), make_per_user_rule());
    if (c.detail == Detail::none) {
      CHECK(std::holds_alternative<LookUp>(looked.decision));
      continue;
    }
    REQUIRE(std::holds_alternative<PassOn>(looked.decision));
    CHECK(std::get<PassOn>(looked.decision).reason == ForwardReason::bypass);
    CHECK(std::get<PassOn>(looked.decision).detail == c.detail);
    CHECK_FALSE(looked.has_key);
  }
}

TEST_CASE("append_cache_key, per user: users never share a key, a user's tokens always do") {
  const RouteRule rule = make_per_user_rule();
  const auto key = [&](std::initializer_list<std::string> fields, bool by_session = false) {
    const Looked looked = look(get("/api/a/?b=1", fields), rule, false, {}, by_session);
    REQUIRE(looked.has_key);
    return looked.key;
  };
  CHECK(key({seven}) == key({seven_anew}));
  CHECK(key({seven}) == key({seven, "Cookie: csrftoken=x"}));
  CHECK(key({seven}) != key({eight}));
  const std::string by_session = key({"Cookie: sessionid=7"}, true);
  CHECK(key({seven}, true) != by_session);
  CHECK(by_session != key({"Cookie: sessionid=8"}, true));
  CHECK(by_session == key({"Cookie: a=b; sessionid=7"}, true));
  // Nor does a rule's own text make one user another.
  std::set<std::string> keys;
  for (const std::string& user : {seven, eight}) {
    for (const char* target : {"/api/a/", "/api/a/?user=", "/api/a/?;user=1"}) {
      const Looked looked = look(get(target, {user}), rule);
      if (looked.has_key) CHECK(keys.insert(looked.key).second);
    }
  }
}

TEST_CASE("append_cache_key, per user: neither who it is nor a claim can be read from a key") {
  const RouteRule rule = make_per_user_rule("{path}|{jwt.email}");
  const std::string ann = bearer(R"({"user_id":"ann-7","exp":2000000,"email":"ann@private"})");
  const std::string key = look(get("/api/a/", {ann}), rule).key;
  for (const char* part : {"ann", "private", "eyJ", "Bearer", "user_id"}) {
    CAPTURE(part);
    CHECK(key.find(part) == std::string::npos);
  }
}

TEST_CASE("append_cache_key, per user: claims that the key names") {
  const RouteRule rule = make_per_user_rule("{path}|{jwt.tenant}{jwt.role}");
  const auto key = [&](const std::string& more) {
    return look(get("/api/a/", {bearer(R"({"user_id":7,"exp":2000000)" + more + "}")}), rule).key;
  };
  std::set<std::string> keys;
  for (const char* more : {"", R"(,"tenant":"a")", R"(,"role":"a")", R"(,"tenant":"a","role":"a")",
                           R"(,"tenant":["a"])", R"(,"tenant":"")", R"(,"tenant":null)",
                           R"(,"tenant":1)", R"(,"tenant":"1")", R"(,"tenant":true)"}) {
    CAPTURE(more);
    CHECK(keys.insert(key(more)).second);
  }
  CHECK(key(R"(,"tenant":"a","other":1)") == key(R"(,"other":2,"tenant":"a")"));
}

TEST_CASE("make_fill_request, per user: the user's credentials go along, and nothing else") {
  const RouteRule rule = make_per_user_rule("{path}{cookie.lang}{cookie.sessionid}");
  const auto head_of = [](const Looked& looked) {
    std::string head;
    const Request request({"GET /api/a/ HTTP/1.1", "Host: api.example"});
    append_fill_head(request.head, decide_forwarded(request.head, "192.0.2.1", false, "http"),
                     looked.fill.target, looked.fill.keyed, looked.fill.cookie, head);
    return head;
  };
  const Looked by_token = look(get("/api/a/", {seven, "Cookie: lang=fr; csrftoken=1"}), rule);
  std::string head = head_of(by_token);
  CHECK(head.find("\r\na" + seven.substr(1) + "\r\n") != std::string::npos);
  CHECK(head.find("Cookie: lang=fr\r\n") != std::string::npos);
  CHECK(head.find("csrftoken") == std::string::npos);
  CHECK_FALSE(look(get("/api/a/", {seven}), rule).fill.differs);
  CHECK(by_token.fill.differs);

  const Looked by_session =
      look(get("/api/a/", {"Cookie: sessionid=x; lang=fr; csrftoken=1"}), rule, false, {}, true);
  head = head_of(by_session);
  CHECK(head.find("Cookie: sessionid=x; lang=fr\r\n") != std::string::npos);
  CHECK(head.find("uthorization") == std::string::npos);

  RouteRule everyone = make_rule("/api/a/");
  everyone.share = Share::everyone;
  CHECK(head_of(look(get("/api/a/", {seven}), everyone)).find("uthorization") == std::string::npos);
}

}  // namespace
}  // namespace larder::policy
