#include "policy/purge.hpp"

#include <algorithm>
#include <string_view>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

Routes routes() {
  Routes routes;
  RouteRule rule;
  rule.name = "ai-models";
  routes.rules.push_back(rule);
  return routes;
}

TEST_CASE("tags_of_purge: what an operator's word comes to") {
  struct Case {
    std::string_view name;
    PurgeTarget target;
    Tags expected;
  };
  const Case cases[] = {
      {"a path", {PurgeKind::url, "/api/items/"}, {"p:/api/items"}},
      {"with and without final slash alike", {PurgeKind::url, "/api/items"}, {"p:/api/items"}},
      {"of a URL, neither host nor query counts",
       {PurgeKind::url, "https://example.com/api/items/?page=2#top"},
       {"p:/api/items"}},
      {"a URL that is nothing but a host", {PurgeKind::url, "http://example.com"}, {"p:/"}},
      {"a number, however many zeros it begins with",
       {PurgeKind::url, "/api/items/007/"},
       {"p:/api/items/7"}},
      {"a prefix, itself included",
       {PurgeKind::prefix, "/api/items/"},
       {"b:/api/items", "p:/api/items"}},
      {"the root", {PurgeKind::prefix, "/"}, {"b:/", "p:/"}},
      {"a rule in force", {PurgeKind::rule, "ai-models"}, {"r:ai-models"}},
      {"a tag", {PurgeKind::tag, "price-list"}, {"t:price-list"}},
      {"everything", {PurgeKind::everything, ""}, {"e:"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto decided = tags_of_purge(c.target, PurgeStrength::hard, routes());
    const Tags* tags = std::get_if<Tags>(&decided);
    REQUIRE(tags);
    CHECK(*tags == c.expected);
  }
}

TEST_CASE("tags_of_purge: a path that servers read in several ways is purged in all of them") {
  const auto decided =
      tags_of_purge({PurgeKind::url, "/api//items/../models/"}, PurgeStrength::hard, routes());
  const Tags& tags = std::get<Tags>(decided);
  CHECK(std::find(tags.begin(), tags.end(), "p:/api/models") != tags.end());
  CHECK(tags.size() > 1);
}

TEST_CASE("tags_of_purge: softly, everything is what is stored under each rule") {
  const auto decided = tags_of_purge({PurgeKind::everything}, PurgeStrength::soft, routes());
  const auto* tags = std::get_if<Tags>(&decided);
  REQUIRE(tags);
  CHECK(tags->size() == routes().rules.size());
  CHECK(std::all_of(tags->begin(), tags->end(),
                    [](const std::string& tag) { return tag.starts_with("r:"); }));
  CHECK(std::get<Tags>(tags_of_purge({PurgeKind::url, "/a/"}, PurgeStrength::soft, routes())) ==
        Tags{"p:/a"});
}

TEST_CASE("tags_of_purge: what it refuses, and why") {
  struct Case {
    PurgeTarget target;
    std::string_view why;
  };
  const Case cases[] = {
      {{PurgeKind::url, "api/items/"},
       "'api/items/' has no path; write /api/items/ or a whole URL"},
      {{PurgeKind::url, "?a"}, "'?a' has no path; write /api/items/ or a whole URL"},
      {{PurgeKind::url, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/"},
       "'/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/' is deeper than "
       "anything that is stored"},
      {{PurgeKind::rule, "ai-model"}, "there is no rule 'ai-model' (did you mean 'ai-models'?)"},
      {{PurgeKind::tag, ""}, "a tag has 1 to 256 bytes"},
      {{PurgeKind::tag, std::string(257, 't')}, "a tag has 1 to 256 bytes"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.why);
    const auto decided = tags_of_purge(c.target, PurgeStrength::hard, routes());
    const auto* refused = std::get_if<PurgeRefused>(&decided);
    REQUIRE(refused);
    CHECK(refused->why == c.why);
  }
}

}  // namespace
}  // namespace larder::policy
