#include "policy/tags.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

PathPattern pattern(std::string_view text) {
  return std::get<PathPattern>(parse_path_pattern(text));
}

/// The first user's rules, and one in a folder of its own.
Routes example_routes() {
  Routes routes;
  RouteRule models;
  models.name = "models";
  models.paths.push_back(pattern("/api/ai/models/"));
  models.evict_on.push_back({pattern("/admin/ai/aimodel/"), {}});
  RouteRule applications;
  applications.name = "applications";
  applications.paths.push_back(pattern("/api/job-applications/"));
  applications.paths.push_back(pattern("/api/job-applications/<int:pk>/"));
  RouteRule stats;
  stats.name = "stats";
  stats.paths.push_back(pattern("/stats/"));
  stats.evict_on.push_back({pattern("/api/events/"), {"POST"}});
  routes.rules = {models, applications, stats};
  return routes;
}

http::Method method_of(std::string_view text) {
  if (text == "GET") return http::Method::get;
  if (text == "HEAD") return http::Method::head;
  if (text == "OPTIONS") return http::Method::options;
  if (text == "POST") return http::Method::post;
  if (text == "PUT") return http::Method::put;
  if (text == "PATCH") return http::Method::patch;
  if (text == "DELETE") return http::Method::del;
  return http::Method::other;
}

EvictionDecision decide(std::string_view method, std::string_view path) {
  return decide_eviction(example_routes(), method_of(method), method, path);
}

bool evicts(const EvictionDecision& decision, std::string_view tag) {
  const Evict* evict = std::get_if<Evict>(&decision);
  return evict != nullptr &&
         std::find(evict->tags.begin(), evict->tags.end(), tag) != evict->tags.end();
}

/// Does this decision make a response of `path` under `rule` old?
bool reaches(const EvictionDecision& decision, std::string_view rule, std::string_view path) {
  const Tags tags = tags_of_response(rule, path);
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& tag) { return evicts(decision, tag); });
}

std::string deep_path(std::size_t segments) {
  std::string path;
  for (std::size_t i = 0; i < segments; ++i) path += "/s";
  return path;
}

TEST_CASE("tags_of_response: paths that WSGI reads alike are one resource") {
  CHECK(tags_of_response("rule", "/a%2Cb/") == tags_of_response("rule", "/a,b/"));
  CHECK(tags_of_response("rule", "/a|b") == tags_of_response("rule", "/a%7Cb"));
  CHECK(tags_of_response("rule", "/a%20b") != tags_of_response("rule", "/ab"));
}

TEST_CASE("tags_of_response: a number is one resource however many zeros it begins with") {
  CHECK(tags_of_response("rule", "/a/007/") == tags_of_response("rule", "/a/7/"));
  CHECK(tags_of_response("rule", "/a/07/parts/01") == tags_of_response("rule", "/a/7/parts/1"));
  CHECK(tags_of_response("rule", "/a/00/") == tags_of_response("rule", "/a/0/"));
  CHECK(tags_of_response("rule", "/a/0") != tags_of_response("rule", "/a"));
  CHECK(tags_of_response("rule", "/a/07b") != tags_of_response("rule", "/a/7b"));
  CHECK(tags_of_response("rule", "/a/70") != tags_of_response("rule", "/a/7"));
}

TEST_CASE("tags_of_response: resource, rule, and all it lies below") {
  struct Case {
    const char* name;
    const char* path;
    Tags expected;
  };
  const Case cases[] = {
      {"a list", "/api/models/", {"p:/api/models", "r:R", "b:/api", "b:/"}},
      {"without the final slash it is the same",
       "/api/models",
       {"p:/api/models", "r:R", "b:/api", "b:/"}},
      {"the root lies below nothing", "/", {"p:/", "r:R"}},
      {"one segment", "/a/", {"p:/a", "r:R", "b:/"}},
      {"a path that is none belongs to nothing", "*", {}},
      {"nor does an empty one", "", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(tags_of_response("R", c.path) == c.expected);
  }
}

TEST_CASE("may_be_tagged: bounded in depth") {
  const std::string deepest = deep_path(maximum_tags - 2);
  CHECK(may_be_tagged(deepest));
  CHECK(tags_of_response("R", deepest).size() == maximum_tags);
  CHECK(may_be_tagged(deepest + "/"));
  CHECK_FALSE(may_be_tagged(deepest + "/s"));
  CHECK(tags_of_response("R", deepest + "/s").empty());
  CHECK(may_be_tagged("/"));
  CHECK_FALSE(may_be_tagged(""));
  CHECK_FALSE(may_be_tagged("*"));
}

TEST_CASE("decide_eviction: the tags themselves") {
  CHECK(decide("PUT", "/api/job-applications/7/") ==
        EvictionDecision(Evict{{"b:/api/job-applications/7", "p:/", "p:/api",
                                "p:/api/job-applications", "p:/api/job-applications/7"}}));
  CHECK(decide("POST", "/admin/ai/aimodel/3/change/") == EvictionDecision(Evict{{"r:models"}}));
}

TEST_CASE("decide_eviction: what a write reaches") {
  struct Case {
    const char* name;
    const char* method;
    const char* path;
    const char* rule;
    const char* stored;
    bool reached;
  };
  const Case cases[] = {
      {"PUT reaches its own resource", "PUT", "/api/job-applications/7/", "applications",
       "/api/job-applications/7/", true},
      {"and the collection above it", "PUT", "/api/job-applications/7/", "applications",
       "/api/job-applications/", true},
      {"also where it is told with zeros before its number", "PUT", "/api/job-applications/007/",
       "applications", "/api/job-applications/7/", true},
      {"and what is stored under such a name", "PUT", "/api/job-applications/7/", "applications",
       "/api/job-applications/07/", true},
      {"but not its neighbour", "PUT", "/api/job-applications/7/", "applications",
       "/api/job-applications/8/", false},
      {"nor one that merely begins alike", "PUT", "/api/job-applications/7/", "applications",
       "/api/job-applications/77/", false},
      {"POST to a collection reaches the collection", "POST", "/api/job-applications/",
       "applications", "/api/job-applications/", true},
      {"and not what lies below", "POST", "/api/job-applications/", "applications",
       "/api/job-applications/7/", false},
      {"DELETE of a collection reaches what lies below", "DELETE", "/api/job-applications/",
       "applications", "/api/job-applications/7/", true},
      {"PUT above both does, too", "PUT", "/api/", "applications", "/api/job-applications/7/",
       true},
      {"PUT on the root reaches all", "PUT", "/", "stats", "/stats/", true},
      {"without the final slash", "PATCH", "/api/job-applications/7", "applications",
       "/api/job-applications/7/", true},
      {"an action below a resource reaches it", "POST", "/api/job-applications/7/archive/",
       "applications", "/api/job-applications/7/", true},
      {"percent-encoded", "PUT", "/api/job%2Dapplications/7/", "applications",
       "/api/job-applications/7/", true},
      {"with an encoded slash", "PUT", "/api%2Fjob-applications/7/", "applications",
       "/api/job-applications/7/", true},
      {"with an empty segment", "PUT", "/api//job-applications/7/", "applications",
       "/api/job-applications/7/", true},
      {"with dot segments", "PUT", "/x/../api/./job-applications/7/", "applications",
       "/api/job-applications/7/", true},
      {"an unknown method is a write", "FROB", "/api/job-applications/7/", "applications",
       "/api/job-applications/7/", true},
      {"the admin's form", "POST", "/admin/ai/aimodel/3/change/", "models", "/api/ai/models/",
       true},
      {"the admin's editable list", "POST", "/admin/ai/aimodel/", "models", "/api/ai/models/",
       true},
      {"also without its slash", "POST", "/admin/ai/aimodel", "models", "/api/ai/models/", true},
      {"another model's form", "POST", "/admin/ai/aimodels/3/change/", "models", "/api/ai/models/",
       false},
      {"evict_on with a method", "POST", "/api/events/1/", "stats", "/stats/", true},
      {"and not with another", "PUT", "/api/events/1/", "stats", "/stats/", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(reaches(decide(c.method, c.path), c.rule, c.stored) == c.reached);
  }
}

TEST_CASE("decide_eviction: what leaves Redis alone") {
  using Reason = NothingToEvict::Reason;
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    CAPTURE(method);
    CHECK(decide(method, "/api/job-applications/") ==
          EvictionDecision(NothingToEvict{Reason::safe_method}));
  }
  for (const char* path : {"/api/auth/token/", "/api/ai/generate/", "/elsewhere/"}) {
    CAPTURE(path);
    CHECK(decide("POST", path) == EvictionDecision(NothingToEvict{Reason::no_rule_concerned}));
  }
}

identity::Identity make_writer(const char* digest, bool is_only_one = true) {
  identity::Identity writer;
  writer.digest = std::make_shared<const std::string>(digest);
  writer.is_only_one = is_only_one;
  return writer;
}

TEST_CASE("decide_eviction: a write where only owners write reaches the writer's own") {
  Routes routes = example_routes();
  routes.rules[1].share = Share::per_user;
  routes.rules[1].written_by = WrittenBy::owner;
  routes.rules[1].evict_on.push_back({pattern("/admin/jobs/"), {}});
  CHECK(is_writer_asked_for(routes));
  CHECK_FALSE(is_writer_asked_for(example_routes()));
  const identity::Identity ann = make_writer("ann");
  const identity::Identity ann_by_session = make_writer("ann", false);
  struct Case {
    const char* name;
    const char* method;
    const char* path;
    const identity::Identity* writer;
    bool reaches_ann, reaches_bob;
  };
  const Case cases[] = {
      {"her own", "PUT", "/api/job-applications/7/", &ann, true, false},
      {"a new one", "POST", "/api/job-applications/", &ann, true, false},
      {"all of them", "DELETE", "/api/job-applications/", &ann, true, false},
      {"by another way to write the path", "PUT", "/api//job-applications/7/", &ann, true, false},
      {"by somebody who is not known", "PUT", "/api/job-applications/7/", nullptr, true, true},
      {"by somebody who may have another identity", "PUT", "/api/job-applications/7/",
       &ann_by_session, true, true},
      {"in the admin, whoever it is", "POST", "/admin/jobs/jobapplication/7/change/", &ann, true,
       true},
      {"elsewhere", "POST", "/elsewhere/", &ann, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const EvictionDecision decision =
        decide_eviction(routes, method_of(c.method), c.method, c.path, c.writer);
    const auto reaches_user = [&](const char* user) {
      const Tags tags = tags_of_response("applications", "/api/job-applications/7/", user);
      const Tags list = tags_of_response("applications", "/api/job-applications/", user);
      const auto is_evicted = [&](const std::string& tag) { return evicts(decision, tag); };
      return std::any_of(tags.begin(), tags.end(), is_evicted) ||
             std::any_of(list.begin(), list.end(), is_evicted);
    };
    CHECK(reaches_user("ann") == c.reaches_ann);
    CHECK(reaches_user("bob") == c.reaches_bob);
  }
}

TEST_CASE("decide_eviction: where another rule may be concerned, a write reaches everybody") {
  Routes routes = example_routes();
  routes.rules[1].share = Share::per_user;
  routes.rules[1].written_by = WrittenBy::owner;
  RouteRule all;
  all.name = "all";
  all.paths.push_back(pattern("/api/<path:rest>"));
  routes.rules.push_back(all);
  const identity::Identity ann = make_writer("ann");
  const EvictionDecision decision =
      decide_eviction(routes, http::Method::put, "PUT", "/api/job-applications/7/", &ann);
  CHECK(evicts(decision, "p:/api/job-applications/7"));
  CHECK(evicts(decision, "u:applications=ann"));
}

TEST_CASE("tags_of_response: one more for whom it is") {
  CHECK(tags_of_response("R", "/a/", "ann") == Tags{"p:/a", "r:R", "b:/", "u:R=ann"});
  CHECK(tags_of_response("R", deep_path(maximum_tags - 2), "ann").size() == maximum_tags + 1);
}

TEST_CASE("decide_eviction: bounded for any path") {
  const std::string deep = "/api/job-applications" + deep_path(4000);
  const EvictionDecision decision = decide("PUT", deep);
  if (const Evict* evict = std::get_if<Evict>(&decision)) {
    CHECK(evict->tags.size() <= 4 * (maximum_tags + 1) + 3);
    for (const std::string& tag : evict->tags) CHECK(may_be_tagged(tag.substr(2)));
  }
  CHECK(reaches(decision, "applications", "/api/job-applications/"));
}

TEST_CASE("decide_eviction: sorted and without repeats") {
  const EvictionDecision decision = decide("PUT", "//api//job-applications//7//");
  REQUIRE(std::holds_alternative<Evict>(decision));
  const Tags& tags = std::get<Evict>(decision).tags;
  CHECK(std::is_sorted(tags.begin(), tags.end()));
  CHECK(std::adjacent_find(tags.begin(), tags.end()) == tags.end());
}

TEST_CASE("may_have_changed: 4xx has not, an unknown outcome may have") {
  for (const std::uint16_t status : {0, 200, 201, 204, 299, 302, 303, 500, 502, 504, 599})
    CHECK_MESSAGE(may_have_changed(status), status);
  for (const std::uint16_t status : {400, 401, 403, 404, 409, 422, 429, 499})
    CHECK_MESSAGE(!may_have_changed(status), status);
}

TEST_CASE("may_change_yet: what a gateway says of an application that it has given up") {
  for (const std::uint16_t status : {502, 504}) CHECK_MESSAGE(may_change_yet(status), status);
  for (const std::uint16_t status : {200, 204, 303, 400, 408, 500, 503})
    CHECK_MESSAGE(!may_change_yet(status), status);
}

}  // namespace
}  // namespace larder::policy
