#include "policy/suggestion.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "policy/path_inference.hpp"
#include "policy/path_pattern.hpp"
#include "policy/route.hpp"
#include "policy/tags.hpp"
#include "policy/tracking_parameters.hpp"
#include "support/planted_site.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;
const Suggestion* find(const Suggestions& suggestions, std::string_view pattern) {
  const auto found = std::find_if(suggestions.list.begin(), suggestions.list.end(),
                                  [&](const Suggestion& one) { return one.pattern == pattern; });
  return found == suggestions.list.end() ? nullptr : &*found;
}

/// A cache that does what rules say and nothing else, to measure what was foretold.
class MeasuredCache {
 public:
  explicit MeasuredCache(const Suggestions& suggestions) {
    for (const Suggestion& suggestion : suggestions.list) {
      if (suggestion.standing != Standing::suggested && !suggestion.is_to_be_kept_out) continue;
      RouteRule& rule = routes_.rules.emplace_back();
      rule.name = suggestion.pattern;
      rule.paths.push_back(pattern_of(suggestion.pattern));
      if (suggestion.is_to_be_kept_out) rule.mode = Mode::off;
      rule.share = suggestion.rule.share;
      rule.ttl = std::chrono::duration_cast<seconds>(suggestion.rule.ttl);
      for (const std::string& path : suggestion.rule.evict_on)
        rule.evict_on.push_back({pattern_of(path), {}});
      ignored_.push_back(suggestion.rule.ignored);
    }
  }

  struct Count {
    std::uint64_t requests = 0;
    std::uint64_t hits = 0;
    std::uint64_t wrong = 0;  ///< of `hits`: old, or another's
  };

  void get(const PlantedGet& get, Moment now, std::uint64_t truth) {
    const auto rule =
        std::find_if(routes_.rules.begin(), routes_.rules.end(),
                     [&](const RouteRule& one) { return one.paths.front().matches(get.path); });
    if (rule == routes_.rules.end() || rule->mode == Mode::off) return;
    Count& count = counts_[rule->name];
    ++count.requests;
    if (rule->share == Share::anonymous && get.user != 0) return;
    if (rule->share == Share::per_user && !get.has_identity) return;
    std::string key = get.path + "?";
    const auto& ignored = ignored_[static_cast<std::size_t>(rule - routes_.rules.begin())];
    for (std::string_view rest = get.query; !rest.empty();) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      if (!is_named(ignored, pair.substr(0, pair.find('=')))) key.append(pair).append("&");
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    }
    if (rule->share == Share::per_user) key += std::to_string(get.user);
    if (const auto stored = stored_.find(key);
        stored != stored_.end() && now < stored->second.fresh_until) {
      ++count.hits;
      count.wrong += stored->second.content != truth ? 1 : 0;
      return;
    }
    if (PlantedSite::obstacle_of(get.path) != Detail::none) return;
    stored_[key] = {truth, now + PlantedSite::took + rule->ttl,
                    tags_of_response(rule->name, get.path)};
  }

  void write(const PlantedWrite& write) {
    const EvictionDecision decision =
        decide_eviction(routes_, write.method, write.method_text, write.path);
    const auto* evict = std::get_if<Evict>(&decision);
    if (!evict) return;
    std::erase_if(stored_, [&](const auto& stored) {
      return std::any_of(stored.second.tags.begin(), stored.second.tags.end(),
                         [&](const std::string& tag) {
                           return std::binary_search(evict->tags.begin(), evict->tags.end(), tag);
                         });
    });
  }

  [[nodiscard]] const std::map<std::string, Count>& counts() const { return counts_; }

 private:
  static PathPattern pattern_of(std::string_view text) {
    auto parsed = parse_path_pattern(text);
    REQUIRE(std::holds_alternative<PathPattern>(parsed));
    return std::get<PathPattern>(std::move(parsed));
  }
  struct Stored {
    std::uint64_t content = 0;
    Moment fresh_until{};
    Tags tags;
  };
  Routes routes_;
  std::vector<std::vector<std::string>> ignored_;
  std::map<std::string, Stored> stored_;
  std::map<std::string, Count> counts_;
};

MeasuredCache measure(const Suggestions& suggestions, std::uint64_t seed) {
  PlantedSite site(seed);
  MeasuredCache cache(suggestions);
  for (int i = 0; i < PlantedSite::afternoon; ++i) {
    const PlantedSite::Step step = site.next();
    if (step.is_write) {
      site.carry_out(step.write);
      cache.write(step.write);
    } else {
      cache.get(step.get, step.now, site.content_of(step.get));
    }
  }
  return cache;
}

TEST_CASE("make_suggestions: what was planted is found") {
  const Suggestions suggestions = make_suggestions(observe_afternoon(1));
  struct Case {
    const char* name;
    const char* pattern;
    Standing standing;
    Share share;
    std::vector<std::string> ignored;
    std::vector<std::string> evict_on;
  };
  const Case cases[] = {
      {"a public list that the admin edits",
       "/api/models/",
       Standing::suggested,
       Share::everyone,
       {"utm_*"},
       {"/admin/ai/aimodel/"}},
      {"each user's own list", "/api/resumes/", Standing::suggested, Share::per_user, {}, {}},
      {"objects by number, which a PATCH changes",
       "/api/items/<int:pk>/",
       Standing::suggested,
       Share::anonymous,
       {},
       {}},
      {"objects by UUID that nothing changes",
       "/api/orders/<uuid:pk>/",
       Standing::suggested,
       Share::anonymous,
       {},
       {}},
      {"objects by slug that the admin edits",
       "/api/articles/<slug:slug>/",
       Standing::suggested,
       Share::anonymous,
       {},
       {"/admin/blog/article/"}},
      {"the list above them",
       "/api/articles/",
       Standing::suggested,
       Share::anonymous,
       {},
       {"/admin/blog/article/"}},
      {"a field of each user's in a public list", "/api/feed/", Standing::refused, {}, {}, {}},
      {"a task that no write tells of", "/api/prices/", Standing::refused, {}, {}, {}},
      {"an answer that sets a cookie", "/api/welcome/", Standing::refused, {}, {}, {}},
      {"answers of one's own, and nothing tells whose",
       "/api/account/",
       Standing::refused,
       {},
       {},
       {}},
  };
  CHECK(suggestions.list.size() == std::size(cases));
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Suggestion* found = find(suggestions, c.pattern);
    REQUIRE(found);
    for (const std::string& reason : found->reasons) CAPTURE(reason);
    CHECK(found->standing == c.standing);
    if (c.standing == Standing::refused) continue;
    CHECK(found->rule.share == c.share);
    CHECK(found->rule.ignored == c.ignored);
    CHECK(found->rule.evict_on == c.evict_on);
  }
}

TEST_CASE(
    "make_suggestions: another afternoon keeps what was foretold, and nothing is served wrongly") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    const Suggestions suggestions = make_suggestions(observe_afternoon(seed));
    const MeasuredCache cache = measure(suggestions, seed + 100);
    std::size_t measured = 0;
    for (const Suggestion& suggestion : suggestions.list) {
      if (suggestion.standing != Standing::suggested) continue;
      CAPTURE(suggestion.pattern);
      REQUIRE(cache.counts().contains(suggestion.pattern));
      const MeasuredCache::Count& count = cache.counts().at(suggestion.pattern);
      ++measured;
      CHECK(count.wrong == 0);
      const double ratio = static_cast<double>(count.hits) / static_cast<double>(count.requests);
      CHECK(std::abs(ratio - suggestion.hit_ratio) < 0.05);
      CHECK(suggestion.least_hit_ratio <= suggestion.hit_ratio);
    }
    CHECK(measured == 6);
  }
}

TEST_CASE("make_suggestions: each request counts, also those of URLs there was no room for") {
  constexpr std::size_t most_urls = 10;
  constexpr int urls = 40;
  Observations observed(most_urls);
  const Moment start{1'000'000s};
  for (int i = 0; i < 2 * urls; ++i) {
    const Moment asked = start + i * 2s;
    const std::string path = "/items/" + std::to_string(i % urls) + "/";
    observed.note(ObservedAnswer{
        .path = path, .content = 1, .asked = asked, .answered = asked + 10ms, .status = 200});
  }
  const Suggestions suggestions = make_suggestions(observed);
  CHECK(suggestions.requests == 2 * urls);
  CHECK(suggestions.dropped > 0);
  REQUIRE(suggestions.list.size() == 1);
  CHECK(suggestions.list.front().requests == 2 * urls);
}

}  // namespace
}  // namespace larder::policy
