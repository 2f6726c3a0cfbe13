#include "policy/rule_tags.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "policy/named_tags.hpp"
#include "policy/route_index.hpp"
#include "support/heads.hpp"

namespace larder::policy {
namespace {

using test::Request;

PathPattern pattern(std::string_view text) {
  return std::get<PathPattern>(parse_path_pattern(text));
}

KeyTemplate tag(std::string_view text) {
  return std::get<KeyTemplate>(parse_key_template(text));
}

RouteRule make_rule(const char* name, const std::vector<const char*>& paths,
                    const std::vector<const char*>& tags) {
  RouteRule rule;
  rule.name = name;
  for (const char* path : paths) rule.paths.push_back(pattern(path));
  for (const char* text : tags) rule.tags.push_back(tag(text));
  return rule;
}

/// By a token with these claims; none: by a session.
identity::Identity make_user(std::vector<std::pair<std::string, std::string>> claims) {
  identity::Identity user;
  user.digest = std::make_shared<const std::string>("digest");
  user.is_only_one = true;
  if (claims.empty()) return user;
  identity::Verified verified;
  verified.claims = std::move(claims);
  user.token = std::make_shared<const identity::Verified>(std::move(verified));
  return user;
}

std::variant<Tags, Detail> tags_for(const RouteRule& rule, const Request& request,
                                    const identity::Identification& who) {
  Routes routes;
  routes.rules.push_back(rule);
  const RouteMatch match = RouteIndex(routes.rules).match(request.head.path);
  REQUIRE(match.rule);
  const ForwardedFacts forwarded = decide_forwarded(request.head, "192.0.2.1", false, "http");
  return make_rule_tags({.head = request.head,
                         .match = match,
                         .path = request.head.path,
                         .forwarded = forwarded,
                         .session_cookies = {},
                         .who = &who});
}

TEST_CASE("make_rule_tags: what the templates come to for a request") {
  const identity::Identification ann = make_user({{"user_id", "7"}, {"role", "\"staff\""}});
  const identity::Identification by_text = make_user({{"user_id", "\"7\""}});
  const identity::Identification by_session = make_user({});
  const identity::Identification odd = make_user({{"user_id", "[7]"}});
  const identity::Identification nobody = identity::NotIdentified{};
  const std::string long_value(longest_name_of_tag, 'x');
  struct Case {
    const char* name;
    const char* tag;
    std::string target;
    const identity::Identification& who;
    std::variant<Tags, Detail> expected;
  };
  const Case cases[] = {
      {"a literal is itself", "ai-models", "/a/5/", nobody, Tags{"t:ai-models"}},
      {"a parameter of the path", "model-{pk}", "/a/5/", nobody, Tags{"t:model-5"}},
      {"the path", "at{path}", "/a/5/", nobody, Tags{"t:at/a/5/"}},
      {"a claim that is a number", "user:{jwt.user_id}", "/a/5/", ann, Tags{"t:user:7"}},
      {"a claim that is text is the same tag", "user:{jwt.user_id}", "/a/5/", by_text,
       Tags{"t:user:7"}},
      {"several parts", "{jwt.role}/{pk}", "/a/5/", ann, Tags{"t:staff/5"}},
      {"a query parameter", "team:{query.team}", "/a/5/?x=1&team=9", nobody, Tags{"t:team:9"}},
      {"what Django reads alike is one tag: a space", "team:{query.team}", "/a/5/?team=a+b", nobody,
       Tags{"t:team:a%20b"}},
      {"and a percent-encoded one", "team:{query.team}", "/a/5/?team=a%20b", nobody,
       Tags{"t:team:a%20b"}},
      {"a percent sign cannot pass for an encoding", "team:{query.team}", "/a/5/?team=a%2520b",
       nobody, Tags{"t:team:a%2520b"}},
      {"a field", "team:{header.x-team}", "/a/5/", nobody, Tags{"t:team:red%20one"}},
      {"a cookie", "{cookie.lang}", "/a/5/", nobody, Tags{"t:de"}},
      {"an empty value is one", "team:{query.team}", "/a/5/?team=", nobody, Tags{"t:team:"}},
      {"but a tag is not empty", "{query.team}", "/a/5/?team=", nobody, Detail::incomplete_tag},
      {"no such parameter", "team:{query.team}", "/a/5/", nobody, Detail::incomplete_tag},
      {"two of that name", "team:{query.team}", "/a/5/?team=1&team=2", nobody,
       Detail::incomplete_tag},
      {"two of that name, one of them encoded", "team:{query.team}", "/a/5/?team=1&t%65am=2",
       nobody, Detail::incomplete_tag},
      {"no such field", "team:{header.x-other}", "/a/5/", nobody, Detail::incomplete_tag},
      {"no such cookie", "{cookie.other}", "/a/5/", nobody, Detail::incomplete_tag},
      {"a cookie sent twice", "{cookie.twice}", "/a/5/", nobody, Detail::incomplete_tag},
      {"no such claim", "{jwt.tenant}", "/a/5/", ann, Detail::incomplete_tag},
      {"a claim that is no text or number", "{jwt.user_id}", "/a/5/", odd, Detail::incomplete_tag},
      {"no token: a session", "user:{jwt.user_id}", "/a/5/", by_session, Detail::incomplete_tag},
      {"nobody", "user:{jwt.user_id}", "/a/5/", nobody, Detail::incomplete_tag},
      {"as long as may be", "{query.team}", "/a/5/?team=" + long_value, nobody,
       Tags{"t:" + long_value}},
      {"longer", "{query.team}", "/a/5/?team=x" + long_value, nobody, Detail::too_long_tag},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    RouteRule rule = make_rule("rule", {"/a/<int:pk>/"}, {c.tag});
    rule.share = Share::per_user;
    const Request request({"GET " + c.target + " HTTP/1.1", "Host: x", "X-Team: red one",
                           "Cookie: lang=de; twice=1; twice=2"});
    CHECK(tags_for(rule, request, c.who) == c.expected);
  }
}

TEST_CASE("make_rule_tags: several templates, each tag once") {
  const Request request({"GET /a/5/?team=5 HTTP/1.1", "Host: x"});
  const identity::Identification nobody = identity::NotIdentified{};
  CHECK(tags_for(make_rule("rule", {"/a/<int:pk>/"}, {"n{pk}", "n{query.team}", "all"}), request,
                 nobody) == std::variant<Tags, Detail>(Tags{"t:n5", "t:all"}));
  CHECK(tags_for(make_rule("rule", {"/a/<int:pk>/"}, {}), request, nobody) ==
        std::variant<Tags, Detail>(Tags{}));
}

TEST_CASE("make_rule_tags: a token counts under share: per-user alone") {
  const Request request({"GET /a/5/ HTTP/1.1", "Host: x"});
  const identity::Identification ann = make_user({{"user_id", "7"}});
  CHECK(tags_for(make_rule("rule", {"/a/<int:pk>/"}, {"user:{jwt.user_id}"}), request, ann) ==
        std::variant<Tags, Detail>(Detail::incomplete_tag));
}

/// Rules that are related in several ways.
Routes related_routes() {
  Routes routes;
  routes.rules.push_back(make_rule("models", {"/api/models/"}, {"ai-models"}));
  routes.rules.push_back(make_rule("model", {"/api/models/<int:pk>/"}, {"model-{pk}"}));
  routes.rules.push_back(make_rule("prices", {"/api/prices/<int:model>/"}, {"model-{model}"}));
  routes.rules.push_back(make_rule("options", {"/api/options/"}, {"ai-models"}));
  routes.rules.back().evict_on.push_back({pattern("/admin/options/"), {}});
  routes.rules.push_back(make_rule("members", {"/api/members/"}, {"team:{query.team}"}));
  routes.rules.push_back(make_rule("notes", {"/api/notes/"}, {"user:{jwt.user_id}"}));
  routes.rules.back().share = Share::per_user;
  routes.rules.back().written_by = WrittenBy::owner;
  routes.rules.push_back(make_rule("tasks", {"/api/tasks/"}, {"user:{jwt.user_id}"}));
  routes.rules.back().share = Share::per_user;
  routes.rules.push_back(make_rule("files", {"/files/<path:name>/"}, {"file:{name}"}));
  return routes;
}

TEST_CASE("decide_eviction: what is related by the tags of rules goes as well") {
  const identity::Identity ann = make_user({{"user_id", "7"}});
  const identity::Identity by_session = make_user({});
  struct Case {
    const char* name;
    const char* method;
    const char* target;
    const identity::Identity* writer;
    Tags expected;  ///< of those by name, and of rules
  };
  const Case cases[] = {
      {"a literal tag", "POST", "/api/models/", nullptr, {"t:ai-models"}},
      {"by the parameter, and the list above it",
       "PUT",
       "/api/models/5/",
       nullptr,
       {"t:ai-models", "t:model-5"}},
      {"whatever final slash", "PUT", "/api/models/5", nullptr, {"t:ai-models", "t:model-5"}},
      {"an action below the object",
       "POST",
       "/api/models/5/publish/",
       nullptr,
       {"t:ai-models", "t:model-5"}},
      {"however the path is written",
       "PUT",
       "/api//models/%35/",
       nullptr,
       {"t:ai-models", "t:model-5"}},
      {"all objects at once: nobody knows which",
       "DELETE",
       "/api/models/",
       nullptr,
       {"r:model", "r:prices", "t:ai-models"}},
      {"a related rule's own writes", "PATCH", "/api/prices/5/", nullptr, {"t:model-5"}},
      {"evict_on is a write to the rule",
       "POST",
       "/admin/options/3/",
       nullptr,
       {"r:options", "t:ai-models"}},
      {"the write's own query", "POST", "/api/members/?team=9", nullptr, {"t:team:9"}},
      {"a write without it: every team", "POST", "/api/members/", nullptr, {"r:members"}},
      {"a write with two: every team",
       "POST",
       "/api/members/?team=1&team=2",
       nullptr,
       {"r:members"}},
      {"the owner's: theirs alone", "POST", "/api/notes/", &ann, {"t:user:7"}},
      {"nobody verified: everybody's", "POST", "/api/notes/", nullptr, {"r:notes", "r:tasks"}},
      {"a session: everybody's", "POST", "/api/notes/", &by_session, {"r:notes", "r:tasks"}},
      {"where anyone writes: everybody's", "POST", "/api/tasks/", &ann, {"r:notes", "r:tasks"}},
      {"a path within a path: itself and those above",
       "POST",
       "/files/a/b/",
       nullptr,
       {"t:file:a", "t:file:a/b"}},
      {"and what may lie below, which nobody knows", "PUT", "/files/a/b/", nullptr, {"r:files"}},
      {"a path that concerns none", "POST", "/elsewhere/", nullptr, {}},
  };
  const Routes routes = related_routes();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Request write({std::string(c.method) + " " + c.target + " HTTP/1.1", "Host: x"});
    const EvictionDecision decision = decide_eviction(
        routes, write.head.method, write.head.method_text, write.head.path, c.writer, &write.head);
    Tags found;
    if (const auto* evict = std::get_if<Evict>(&decision))
      std::copy_if(
          evict->tags.begin(), evict->tags.end(), std::back_inserter(found),
          [](const std::string& made) { return made.starts_with("t:") || made.starts_with("r:"); });
    CHECK(found == c.expected);
  }
}

TEST_CASE("decide_eviction: of what an answer names, the write's query says nothing") {
  const EvictionDecision decision =
      decide_eviction(related_routes(), http::Method::post, "POST", "/api/members/");
  REQUIRE(std::holds_alternative<Evict>(decision));
  const Tags& tags = std::get<Evict>(decision).tags;
  CHECK(std::find(tags.begin(), tags.end(), "r:members") != tags.end());
}

TEST_CASE("decide_eviction: what is stored goes by its tags, or by its rule") {
  // The other side of the table above: each write that may have changed it reaches it.
  const Routes routes = related_routes();
  const identity::Identification nobody = identity::NotIdentified{};
  const Request price({"GET /api/prices/5/ HTTP/1.1", "Host: x"});
  const auto made = tags_for(routes.rules[2], price, nobody);
  REQUIRE(std::holds_alternative<Tags>(made));
  const Tags stored = tags_of_response("prices", "/api/prices/5/", {}, std::get<Tags>(made));
  for (const char* line : {"PUT /api/models/5/ HTTP/1.1", "DELETE /api/models/ HTTP/1.1",
                           "POST /api/models/5/publish/ HTTP/1.1"}) {
    CAPTURE(line);
    const Request write({line, "Host: x"});
    const EvictionDecision decision = decide_eviction(
        routes, write.head.method, write.head.method_text, write.head.path, nullptr, &write.head);
    REQUIRE(std::holds_alternative<Evict>(decision));
    const Tags& old = std::get<Evict>(decision).tags;
    CHECK(std::any_of(stored.begin(), stored.end(), [&](const std::string& one) {
      return std::find(old.begin(), old.end(), one) != old.end();
    }));
  }
  const EvictionDecision other =
      decide_eviction(routes, http::Method::put, "PUT", "/api/models/6/");
  for (const std::string& one : stored)
    CHECK(std::find(std::get<Evict>(other).tags.begin(), std::get<Evict>(other).tags.end(), one) ==
          std::get<Evict>(other).tags.end());
}

TEST_CASE("decide_eviction: tags of a rule are bounded for any path") {
  Routes routes;
  routes.rules.push_back(make_rule("all", {"/<path:rest>"}, {"all:{rest}", "at{path}"}));
  std::string deep;
  for (int i = 0; i < 4000; ++i) deep += "/s";
  const EvictionDecision decision = decide_eviction(routes, http::Method::post, "POST", deep);
  REQUIRE(std::holds_alternative<Evict>(decision));
  CHECK(std::get<Evict>(decision).tags.size() <= 200);
}

TEST_CASE("may_be_alike: no only where the texts can never be one") {
  struct Case {
    const char* one;
    const char* other;
    bool expected;
  };
  const Case cases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "ab", false},
      {"model-{pk}", "model-{id}", true},
      {"model-{pk}", "model-5", true},
      {"model-{pk}", "user-{pk}", false},
      {"model-{pk}", "ai-models", false},
      {"{pk}", "anything", true},
      {"{a}-x", "{b}-y", false},
      {"{a}-x", "{b}x", true},
      {"m{a}", "model-{b}", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.one);
    CAPTURE(c.other);
    CHECK(may_be_alike(tag(c.one), tag(c.other)) == c.expected);
    CHECK(may_be_alike(tag(c.other), tag(c.one)) == c.expected);
  }
}

}  // namespace
}  // namespace larder::policy
