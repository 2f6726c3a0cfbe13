#include "policy/explanation.hpp"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "http/request_head.hpp"
#include "http/target.hpp"
#include "policy/redaction.hpp"
#include "policy/rule_tags.hpp"
#include "support/heads.hpp"
#include "support/tokens.hpp"

namespace larder::policy {
namespace {

constexpr SystemSeconds now{std::chrono::seconds(1'000'000)};
const std::vector<std::string> session_cookies{"sessionid"};
/// In every cookie, and in the claim of every token.
const std::string hidden = "hunter2";

RouteRule make_rule(const std::string& name, const std::vector<std::string>& paths,
                    const std::string& key = "{path}?{query}") {
  RouteRule rule;
  rule.name = name;
  for (const std::string& path : paths)
    rule.paths.push_back(std::get<PathPattern>(parse_path_pattern(path)));
  rule.ttl = seconds{60};
  rule.key = std::get<KeyTemplate>(parse_key_template(key));
  rule.vary = {{"accept", {"application/json", "text/html"}}};
  rule.fingerprint = name.size();
  return rule;
}

EvictOn on_write_to(const std::string& path) {
  return {std::get<PathPattern>(parse_path_pattern(path)), {}};
}

/// A rule of each kind that there is.
Routes make_routes() {
  Routes routes;
  std::vector<RouteRule>& rules = routes.rules;
  rules.push_back(make_rule("off", {"/off/<path:rest>"}));
  rules.back().mode = Mode::off;
  rules.push_back(make_rule("items", {"/items/", "/items/<int:pk>/"}, "{path}?{query.page}"));
  rules.back().share = Share::everyone;
  rules.back().evict_on = {on_write_to("/admin/items/")};
  rules.back().stale_while_revalidate = seconds{30};
  rules.push_back(make_rule("mine", {"/mine/", "/mine/<slug:name>/"}, "{path}?{jwt.user_id}"));
  rules.back().share = Share::per_user;
  rules.back().written_by = WrittenBy::owner;
  rules.back().tags = {std::get<KeyTemplate>(parse_key_template("user:{jwt.user_id}"))};
  rules.push_back(make_rule("currency", {"/prices/<str:pk>/"},
                            "{path}?{query:-utm_*}|{cookie.currency}|{header.X-Shop}"));
  rules.back().obeys_requests = false;
  rules.push_back(make_rule("origin", {"/origin/<path:rest>"}));
  rules.back().origin = OriginFreshness{};
  rules.push_back(make_rule("tagged", {"/tagged/<int:pk>/"}, "{pk}?{query}"));
  rules.back().tags = {std::get<KeyTemplate>(parse_key_template("shop:{query.shop}"))};
  rules.push_back(make_rule("rest", {"/<str:first>/", "/<path:rest>/raw"}));
  return routes;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string request() {
    std::string text =
        one_of({"GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE"}) +
        " " + path() + query() + " HTTP/1.1\r\nHost: " + one_of({"a", "B:80"}) + "\r\n";
    if (chance(3)) text += "Accept: " + one_of({"text/html", "*/*", "image/png"}) + "\r\n";
    if (chance(4))
      text +=
          "Cookie: " + one_of({"sessionid=", "currency=", "theme=x; currency="}) + hidden + "\r\n";
    if (chance(4)) text += "Authorization: " + credentials() + "\r\n";
    if (chance(8))
      text += "Cache-Control: " +
              one_of({"no-cache", "no-store", "only-if-cached", "max-age=0", "max-age=30",
                      "min-fresh=50", "max-stale=100", "max-stale"}) +
              "\r\n";
    if (chance(20)) text += "X-Shop: north\r\n";
    if (chance(20)) text += "X-Forwarded-Host: example.org\r\n";
    if (chance(30)) text += "If-Match: \"x\"\r\n";
    if (chance(30)) text += "Content-Length: 3\r\n";
    if (chance(40)) text += "Upgrade: websocket\r\nConnection: upgrade\r\n";
    return text + "\r\n";
  }

  /// What a store might have found; null: nothing.
  StoredResponsePointer stored() {
    if (chance(2)) return nullptr;
    auto response = std::make_shared<StoredResponse>();
    response->response_time = now - seconds{static_cast<int>(random_() % 120)};
    response->lifetime = seconds{static_cast<int>(random_() % 100)};
    response->terms.validate_always = chance(10);
    response->terms.never_stale = chance(10);
    response->terms.for_credentials = chance(3);
    if (chance(10)) response->vary = {"authorization", "cookie"};
    return response;
  }

  bool chance(unsigned of) { return random_() % of == 0; }

 private:
  std::string one_of(std::initializer_list<const char*> texts) {
    return *(texts.begin() + random_() % texts.size());
  }
  std::string path() {
    std::string path = one_of({"/items/", "/items/7/", "/items/x/", "/mine/", "/mine/a-b/",
                               "/prices/7/", "/tagged/7/", "/tagged/07/", "/origin/a/b", "/off/x",
                               "/other/", "/a/b/raw", "/none/at/all", "/admin/items/3/change/",
                               "/items//", "/items/../x/", "/items/%37/", "/items", "/"});
    if (chance(50)) {
      path.clear();
      for (int i = 0; i < 30; ++i) path += "/a";
      path += "/raw";
    }
    return path;
  }
  std::string query() {
    if (chance(2)) return {};
    return "?" + one_of({"page=2", "page=2&utm_source=x", "shop=1", "shop=1&shop=2", "a=%", "",
                         "z=1&a=2&page=3", "a;b"});
  }
  std::string credentials() {
    if (chance(4)) return "Basic " + hidden;
    if (chance(4)) return "Bearer " + hidden + ".y.z";
    return "Bearer " + test::make_token(R"({"user_id":")" + hidden +
                                        (chance(2) ? R"(","exp":1000100})" : R"(","exp":999900})"));
  }

  std::mt19937 random_;
};

/// As session/exchange goes from one decision to the next.
struct Served {
  const RouteRule* rule = nullptr;
  CacheOutcome outcome;
  std::string key;
  Tags rule_tags;
  Tags evicts;
};

Served serve(const Routes& routes, const RouteIndex& index, const http::RequestHead& head,
             const identity::Identification& identified, const StoredResponse* stored) {
  Served served;
  const ForwardedFacts forwarded = decide_forwarded(head, "192.0.2.1", true, "http");
  std::string path;
  const bool ambiguous = http::normalise_path(head.path, path) != http::Ambiguity::none;
  const RouteMatch match = ambiguous ? RouteMatch{} : index.match(path);
  served.rule = match.rule;
  const bool is_write = !http::is_safe(head.method, head.method_text);
  const bool is_asked = (match.rule && match.rule->share == Share::per_user) ||
                        (is_write && is_writer_asked_for(routes));
  const identity::Identification* who = is_asked ? &identified : nullptr;
  const LookupFacts facts{.head = head,
                          .match = match,
                          .path = path,
                          .ambiguous = ambiguous,
                          .forwarded = forwarded,
                          .session_cookies = session_cookies,
                          .who = who};
  const EvictionDecision eviction =
      decide_eviction(routes, head.method, head.method_text, head.path,
                      who ? std::get_if<identity::Identity>(who) : nullptr, &head);
  if (const auto* evict = std::get_if<Evict>(&eviction)) served.evicts = evict->tags;

  const auto pass_on = [&](ForwardReason reason, Detail detail) {
    served.outcome.forward = reason;
    served.outcome.detail = detail;
    if (reason == ForwardReason::bypass || reason == ForwardReason::method)
      served.outcome.result = CacheResult::bypass;
    if (reason == ForwardReason::vary_miss) served.outcome.result = CacheResult::miss;
  };
  const LookupDecision lookup = decide_lookup(facts);
  if (const auto* pass = std::get_if<PassOn>(&lookup)) {
    pass_on(pass->reason, pass->detail);
    return served;
  }
  const Demands demands = std::get<LookUp>(lookup).demands;
  Detail unusable = Detail::none;
  if (!append_cache_key(facts, {}, served.key)) {
    unusable = Detail::ambiguous_query;
  } else if (!may_be_tagged(path)) {
    unusable = Detail::too_deep_path;
  } else {
    std::variant<Tags, Detail> made = make_rule_tags(facts);
    if (const auto* missing = std::get_if<Detail>(&made))
      unusable = *missing;
    else
      served.rule_tags = std::get<Tags>(made);
  }
  if (unusable == Detail::ambiguous_query) served.key.clear();
  if (unusable != Detail::none && demands.only_if_cached) {
    served.outcome.detail = unusable;
    return served;
  }
  if (unusable != Detail::none) {
    pass_on(ForwardReason::bypass, unusable);
    return served;
  }
  const ReuseDecision decision = decide_reuse(head, demands, stored, false, *match.rule, now);
  if (const auto* reuse = std::get_if<Reuse>(&decision)) {
    served.outcome.result = reuse->ttl > seconds{0} ? CacheResult::hit : CacheResult::stale;
    served.outcome.ttl = reuse->ttl;
    served.outcome.detail = reuse->detail;
  } else if (const auto* refill = std::get_if<Refill>(&decision)) {
    served.outcome.result =
        refill->reason == ForwardReason::stale ? CacheResult::expired : CacheResult::miss;
    served.outcome.forward = refill->reason;
    served.outcome.ttl = refill->ttl;
    served.outcome.detail = refill->detail;
    if (demands.only_if_cached) served.outcome.forward.reset();
  } else {
    const auto& own = std::get<OwnRequest>(decision);
    pass_on(own.reason, own.detail);
  }
  return served;
}

std::string status_of(const CacheOutcome& outcome) {
  std::string text;
  append_cache_status(outcome, text);
  return text;
}

/// Everything of an explanation that may be shown.
std::string shown(const Explanation& explanation) {
  std::string text = explanation.shown_key + "\n" + explanation.filled_in + "\n" +
                     explanation.fill_target + "\n" + explanation.user + "\n";
  for (const NotMatched& passed : explanation.before) text += passed.why + "\n";
  for (const KeyPartSaid& said : explanation.key_parts) text += said.part + said.value + "\n";
  for (const Tags* tags : {&explanation.shown_tags, &explanation.shown_evicts})
    for (const std::string& tag : *tags) text += tag + "\n";
  for (const EvictedRule& evicted : explanation.evicted_rules) text += evicted.why + "\n";
  return text;
}

class Explaining {
 public:
  Explaining() : index_(routes_.rules) {
    auto rules = std::make_shared<identity::TokenRules>();
    rules->keys.push_back(
        std::get<identity::Key>(identity::make_secret_key(std::string(test::secret))));
    rules->algorithms = {identity::Algorithm::hs256};
    identifier_.emplace(rules, session_cookies, false);
  }

  identity::Identification identify(const http::RequestHead& head) {
    return identifier_->identify(head.fields, now);
  }
  Explanation explain(const http::RequestHead& head, const identity::Identification& who) {
    return policy::explain({.routes = routes_,
                            .index = index_,
                            .head = head,
                            .peer = "192.0.2.1",
                            .trusted = true,
                            .session_cookies = session_cookies,
                            .who = who});
  }

  const Routes routes_ = make_routes();
  const RouteIndex index_;
  std::optional<identity::Identifier> identifier_;
};

}  // namespace

TEST_CASE("what is predicted is what serving does, and no secret is shown") {
#ifdef LARDER_SANITIZED  // slower
  constexpr int count = 5'000;
#else
  constexpr int count = 100'000;
#endif
  Explaining explaining;
  Generator generator(20260101);
  int looked_up = 0;
  int reused = 0;
  int evicting = 0;
  int different = 0;
  int leaking = 0;
  for (int i = 0; i < count; ++i) {
    const std::string text = generator.request();
    http::RequestHead head;
    REQUIRE(http::parse_request_head(text, {}, head) == http::HeadError::none);
    const identity::Identification who = explaining.identify(head);
    const StoredResponsePointer stored = generator.stored();
    const Served served = serve(explaining.routes_, explaining.index_, head, who, stored.get());
    const Explanation explanation = explaining.explain(head, who);
    const CacheOutcome outcome = explanation.is_looked_up
                                     ? decide_outcome(explanation, head, stored.get(), false, now)
                                     : explanation.outcome;
    const bool is_alike = explanation.rule == served.rule && explanation.key == served.key &&
                          explanation.rule_tags == served.rule_tags &&
                          explanation.evicts == served.evicts &&
                          status_of(outcome) == status_of(served.outcome);
    if (!is_alike && ++different <= 3) {
      CAPTURE(text);
      CHECK(explanation.key == served.key);
      CHECK(status_of(outcome) == status_of(served.outcome));
      CHECK(explanation.evicts == served.evicts);
    }
    if (shown(explanation).find(hidden) != std::string::npos && ++leaking <= 3) {
      CAPTURE(text);
      CHECK(shown(explanation) == "");
    }
    looked_up += explanation.is_looked_up ? 1 : 0;
    reused += outcome.forward ? 0 : 1;
    evicting += explanation.evicts.empty() ? 0 : 1;
  }
  CHECK(different == 0);
  CHECK(leaking == 0);
  CHECK(looked_up > count / 10);
  CHECK(reused > count / 50);
  CHECK(evicting > count / 20);
}

TEST_CASE("the key is told in parts, and what the key leaves out") {
  Explaining explaining;
  const test::Request request{"GET /items/?utm_source=x&page=2 HTTP/1.1", "Host: shop:80",
                              "Accept: text/html", "X-Forwarded-Host: shop.example"};
  const Explanation explanation = explaining.explain(request.head, identity::NotIdentified{});
  REQUIRE(explanation.rule);
  CHECK(explanation.rule->name == "items");
  CHECK(explanation.filled_in == "/items/?page=2");
  CHECK(explanation.fill_target == "/items/?page=2");
  CHECK(explanation.fill_differs);
  REQUIRE(explanation.key_parts.size() == 4);
  CHECK(explanation.key_parts[0].value == "http://shop:80 as shop.example");
  CHECK(explanation.key_parts[2].part == "{query.page}");
  CHECK(explanation.key_parts[2].value == "page=2");
  CHECK(explanation.key_parts[3].part == "vary accept");
  CHECK(explanation.key_parts[3].value == "text/html");
  REQUIRE(explanation.before.size() == 1);
  CHECK(explanation.before[0].why == "path differs at segment 1: 'items' is not 'off'");
}

TEST_CASE("a write tells the rules it evicts of, and why") {
  Explaining explaining;
  const auto told = [&](const std::string& line) {
    const test::Request request{line, "Host: a"};
    std::string text;
    for (const EvictedRule& evicted :
         explaining.explain(request.head, identity::NotIdentified{}).evicted_rules)
      text += evicted.rule->name + ": " + evicted.why + "\n";
    return text;
  };
  CHECK(told("POST /admin/items/3/change/ HTTP/1.1") ==
        "items: all of it: its evict_on has '/admin/items/'\n"
        // The path lies below "/admin/", which is a page.
        "rest: the path and the collections above it, as far as '/<str:first>/' goes\n");
  CHECK(told("PATCH /items/3/ HTTP/1.1")
            .find("items: the path, what lies below it and the collections above it") == 0);
  CHECK(told("GET /items/3/ HTTP/1.1").empty());
}

TEST_CASE("redaction keeps names and hides values") {
  const test::Request request{"GET / HTTP/1.1",
                              "Host: a",
                              "Cookie: a=hunter2; b=hunter2;hunter2",
                              "Authorization: Bearer hunter2",
                              "Proxy-Authorization: hunter2",
                              "Accept: text/html"};
  identity::Identity somebody;
  somebody.digest = std::make_shared<const std::string>("d1");
  somebody.authorization = "Bearer hunter2";
  auto token = std::make_shared<identity::Verified>();
  token->claims.emplace_back("user_id", "\"hunter2\"");
  somebody.token = token;
  const identity::Identification who = somebody;
  const Redaction redaction(request.head, &who);
  std::string all;
  for (const http::FieldLine& line : redaction.head().fields)
    all.append(line.name).append("=").append(line.value).append("\n");
  CHECK(all ==
        "Host=a\nCookie=a=(set); b=(set); (set)\nAuthorization=(set)\nProxy-Authorization=(set)\n"
        "Accept=text/html\n");
  const auto& redacted = std::get<identity::Identity>(*redaction.who());
  CHECK(*redacted.digest == "d1");
  CHECK(redacted.authorization == "(set)");
  CHECK(redacted.token->claims.front().second == "\"(set)\"");
}

}  // namespace larder::policy
