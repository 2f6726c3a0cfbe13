#include "policy/trial.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <variant>

#include "http/target.hpp"
#include "policy/tags.hpp"
#include "policy/tracking_parameters.hpp"

namespace larder::policy {

namespace {

constexpr std::string_view tried_rule = "tried";
constexpr std::uint64_t seed = 0x9E3779B97F4A7C15U;

std::uint64_t mix(std::uint64_t hash, std::uint64_t part) {
  hash = (hash ^ part) * 0xFF51AFD7ED558CCDU;
  return hash ^ (hash >> 33);
}

std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

std::vector<std::uint64_t> hashes_of(const Tags& tags) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(tags.size());
  for (const std::string& tag : tags) hashes.push_back(hash_of(tag));
  return hashes;
}

Routes make_routes(std::string_view pattern) {
  Routes routes;
  RouteRule& rule = routes.rules.emplace_back();
  rule.name = tried_rule;
  auto parsed = parse_path_pattern(pattern);
  if (auto* path = std::get_if<PathPattern>(&parsed)) rule.paths.push_back(std::move(*path));
  return routes;
}

/// Is one of these, which are sorted, within?
bool any_between(const std::vector<Moment>& moments, Moment from, Moment to) {
  const auto first = std::lower_bound(moments.begin(), moments.end(), from);
  return first != moments.end() && *first <= to;
}

bool covers(const PathPattern& prefix, std::string_view path) {
  const std::vector<std::string> possible = http::possible_paths(path);
  return std::any_of(possible.begin(), possible.end(),
                     [&](const std::string& one) { return prefix.covers(one); });
}

}  // namespace

Trial::Trial(const Observations& observed, std::string_view pattern,
             std::vector<SeenAnswer> answers)
    : observed_(observed), routes_(make_routes(pattern)), answers_(std::move(answers)) {
  for (const SeenAnswer& answer : answers_) {
    const bool is_refused = answer.is_comparable && answer.obstacle != Detail::none;
    if (is_refused) obstructed_.emplace(answer.variant, answer.obstacle);
    const auto [known, is_new] = urls_.try_emplace(answer.url.place);
    if (!is_new) continue;
    const KnownUrl seen = observed.urls().at(answer.url);
    Url& url = known->second;
    url.path = seen.path;
    url.tags = hashes_of(tags_of_response(tried_rule, seen.path));
    if (seen.query.empty()) continue;
    auto parsed = http::parse_query(seen.query);
    url.has_one_meaning = parsed.has_value();
    if (!parsed) continue;
    parsed->sort_by_name();
    for (const http::QueryParameter& parameter : *parsed)
      url.parameters.emplace_back(parameter.name, std::string(parameter.has_equals ? "=" : "") +
                                                      std::string(parameter.value));
  }
  std::map<std::pair<std::string_view, std::string_view>, std::vector<std::uint64_t>> decided;
  for (const SeenWrite& write : observed.writes()) {
    const auto [known, is_new] = decided.try_emplace({write.method_text, write.path});
    if (is_new) {
      const EvictionDecision decision =
          decide_eviction(routes_, write.method, write.method_text, write.path);
      if (const auto* evict = std::get_if<Evict>(&decision)) known->second = hashes_of(evict->tags);
    }
    own_evictions_.push_back(known->second);
    all_writes_.push_back(write.answered);
    if (!known->second.empty()) own_writes_.push_back(write.answered);
  }
  std::sort(own_writes_.begin(), own_writes_.end());
  is_near_.resize(all_writes_.size());
  std::vector<std::pair<Moment, std::size_t>> in_order;
  for (std::size_t at = 0; at < all_writes_.size(); ++at)
    in_order.emplace_back(all_writes_[at], at);
  std::sort(in_order.begin(), in_order.end());
  for (const SeenAnswer& answer : answers_) {
    auto write =
        std::lower_bound(in_order.begin(), in_order.end(), std::pair(answer.asked, std::size_t{0}));
    for (; write != in_order.end() && write->first <= answer.answered(); ++write)
      is_near_[write->second] = true;
  }
  std::sort(all_writes_.begin(), all_writes_.end());
}

bool Trial::is_obstructed(std::uint32_t variant) const {
  return obstructed_.contains(variant);
}

bool Trial::is_asked_under(const SeenAnswer& answer, Share share) const {
  if (!answer.may_look_up || !urls_.at(answer.url.place).has_one_meaning) return false;
  if (share == Share::anonymous) return answer.credentials == 0;
  return share == Share::everyone || answer.identity != 0;
}

std::unordered_map<std::uint32_t, std::uint64_t> Trial::hash_urls(
    const std::vector<std::string>& ignored) const {
  std::unordered_map<std::uint32_t, std::uint64_t> hashes;
  for (const auto& [place, url] : urls_) {
    std::uint64_t hash = hash_of(url.path);
    for (const auto& [name, value] : url.parameters)
      if (!is_named(ignored, name)) hash = mix(mix(hash, hash_of(name)), hash_of(value));
    hashes.emplace(place, hash);
  }
  return hashes;
}

TrialOutcome Trial::run(const TriedRule& rule) const {
  TrialOutcome outcome;
  Shadow shadow(seed);
  const auto urls = hash_urls(rule.ignored);
  std::vector<PathPattern> prefixes;
  for (const std::string& path : rule.evict_on) {
    auto parsed = parse_path_pattern(path);
    if (auto* prefix = std::get_if<PathPattern>(&parsed)) prefixes.push_back(std::move(*prefix));
  }
  const std::uint64_t rule_tag = hash_of("r:" + std::string(tried_rule));
  std::map<std::string_view, bool> is_covered;
  std::size_t next_write = 0;
  const auto note_writes_until = [&](Moment until) {
    for (; next_write < observed_.writes().size(); ++next_write) {
      const SeenWrite& write = observed_.writes()[next_write];
      if (write.answered > until) return;
      const auto [known, is_new] = is_covered.try_emplace(write.path);
      if (is_new)
        known->second =
            std::any_of(prefixes.begin(), prefixes.end(),
                        [&](const PathPattern& prefix) { return covers(prefix, write.path); });
      std::vector<std::uint64_t> tags = own_evictions_[next_write];
      if (known->second) tags.push_back(rule_tag);
      if (!tags.empty() || is_near_[next_write])
        shadow.note(
            ShadowWrite{.tags = tags, .method = {}, .shape = {}, .answered = write.answered});
    }
  };
  std::set<std::uint64_t> users;
  for (const SeenAnswer& seen : answers_) {
    note_writes_until(seen.answered());
    outcome.requests += seen.requests();
    if (!is_asked_under(seen, rule.share)) continue;
    std::uint64_t key = mix(urls.at(seen.url.place), seen.variant);
    if (rule.share == Share::per_user) key = mix(key, seen.identity);
    ShadowAnswer answer{.key = key,
                        .user = rule.share == Share::everyone ? seen.credentials : seen.identity,
                        .content = seen.content,
                        .tags = urls_.at(seen.url.place).tags,
                        .asked = seen.asked,
                        .answered = seen.answered(),
                        .lifetime = rule.ttl,
                        .obstacle = seen.obstacle,
                        .is_comparable = seen.is_comparable};
    if (const auto refused = obstructed_.find(seen.variant); refused != obstructed_.end())
      answer.obstacle = refused->second;
    const std::uint64_t before = shadow.hits();
    shadow.note(answer);
    std::uint64_t hits = shadow.hits() - before;
    if (seen.repeats > 0) {
      // All behind the first come to the same.
      const std::chrono::milliseconds later(seen.span);
      answer.asked += later;
      answer.answered += later;
      const std::uint64_t first = shadow.hits();
      shadow.note(answer);
      hits += (shadow.hits() - first) * seen.repeats;
    }
    outcome.hits += hits;
    if (seen.is_comparable) outcome.judged += hits;
    outcome.saved += std::chrono::milliseconds(std::uint64_t{seen.took} * hits);
    if (hits > 0 && seen.credentials != 0) users.insert(seen.credentials);
  }
  outcome.users = users.size();
  outcome.report = shadow.report();
  outcome.judged -= std::min(outcome.judged, outcome.report.not_judged);
  return outcome;
}

std::vector<Interval> Trial::intervals(const TriedRule& rule) const {
  struct Last {
    std::uint64_t content = 0;
    Moment asked{};
  };
  const auto urls = hash_urls(rule.ignored);
  std::unordered_map<std::uint64_t, Last> last;
  std::vector<Interval> intervals;
  for (const SeenAnswer& answer : answers_) {
    if (!answer.is_comparable || is_obstructed(answer.variant) ||
        !is_asked_under(answer, rule.share))
      continue;
    std::uint64_t key = mix(urls.at(answer.url.place), answer.variant);
    if (rule.share == Share::per_user) key = mix(key, answer.identity);
    const auto [before, is_first] = last.try_emplace(key, Last{answer.content, answer.asked});
    if (!is_first) {
      intervals.push_back(
          {before->second.asked, answer.answered(), before->second.content != answer.content});
      before->second.content = answer.content;
    }
    before->second.asked = answer.asked + std::chrono::milliseconds(answer.span);
  }
  return intervals;
}

std::uint64_t Trial::count_own_answers(const std::vector<std::string>& ignored) const {
  struct Last {
    std::uint64_t content = 0;
    std::uint64_t credentials = 0;
  };
  const auto urls = hash_urls(ignored);
  std::unordered_map<std::uint64_t, Last> last;
  std::unordered_map<std::uint64_t, std::uint64_t> last_of_user;
  std::uint64_t own = 0;
  for (const SeenAnswer& answer : answers_) {
    if (!answer.is_comparable || is_obstructed(answer.variant) || !answer.may_look_up) continue;
    const std::uint64_t key = mix(urls.at(answer.url.place), answer.variant);
    const auto [of_user, is_new_user] =
        last_of_user.try_emplace(mix(key, answer.credentials), answer.content);
    const auto [before, is_first] = last.try_emplace(key, Last{answer.content, answer.credentials});
    const bool is_as_before = !is_new_user && of_user->second == answer.content;
    const bool is_anothers = !is_first && before->second.credentials != answer.credentials;
    if (is_as_before && is_anothers && before->second.content != answer.content)
      own += answer.requests();
    of_user->second = answer.content;
    before->second = {answer.content, answer.credentials};
  }
  return own;
}

Trial::Comparisons Trial::compare_without(const std::string& parameter,
                                          const TriedRule& rule) const {
  struct Last {
    std::uint64_t value = 0;
    std::uint64_t content = 0;
    Moment asked{};
  };
  std::vector<std::string> ignored = rule.ignored;
  ignored.push_back(parameter);
  const auto urls = hash_urls(ignored);
  std::unordered_map<std::uint64_t, Last> last;
  std::set<std::uint64_t> values;
  Comparisons comparisons;
  const std::string only[] = {parameter};
  for (const SeenAnswer& answer : answers_) {
    if (!answer.is_comparable || !is_asked_under(answer, rule.share)) continue;
    const Url& url = urls_.at(answer.url.place);
    std::uint64_t value = 0;  // zero: it is not there
    for (const auto& [name, text] : url.parameters)
      if (is_named(only, name)) value = mix(mix(value + 1, hash_of(name)), hash_of(text));
    std::uint64_t key = mix(urls.at(answer.url.place), answer.variant);
    if (rule.share == Share::per_user) key = mix(key, answer.identity);
    const Last now{value, answer.content, answer.asked};
    const auto [before, is_first] = last.try_emplace(key, now);
    if (is_first) continue;
    // What was written in between may be what changed it.
    const bool is_same_moment = !has_write_between(before->second.asked, answer.answered());
    if (before->second.value != value && is_same_moment) {
      ++(before->second.content == answer.content ? comparisons.same : comparisons.different);
      values.insert(value);
      values.insert(before->second.value);
    }
    before->second = now;
  }
  comparisons.values = values.size();
  return comparisons;
}

bool Trial::has_write_between(Moment from, Moment to) const {
  return any_between(all_writes_, from, to);
}

std::map<std::string, std::uint64_t> Trial::parameters() const {
  std::map<std::string, std::uint64_t> names;
  for (const SeenAnswer& answer : answers_)
    for (const auto& [name, value] : urls_.at(answer.url.place).parameters)
      names[name] += answer.requests();
  return names;
}

}  // namespace larder::policy
