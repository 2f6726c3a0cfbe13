#include "session/shadowing.hpp"

#include <utility>

#include "policy/freshness.hpp"
#include "policy/path_shape.hpp"
#include "policy/rule_tags.hpp"
#include "policy/rules_change.hpp"
#include "policy/storing.hpp"
#include "session/asker.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

using policy::Detail;

void RuleShadow::note(const policy::ShadowAnswer& answer) {
  const std::scoped_lock lock(mutex_);
  shadow_.note(answer);
}

void RuleShadow::note(const policy::ShadowWrite& write) {
  const std::scoped_lock lock(mutex_);
  shadow_.note(write);
}

std::optional<policy::Suspect> RuleShadow::note(const policy::VerifiedHit& hit) {
  const std::scoped_lock lock(mutex_);
  return shadow_.note(hit);
}

bool RuleShadow::begin_verifying(std::uint64_t key) {
  const std::scoped_lock lock(mutex_);
  return verifying_.insert(key).second;
}

void RuleShadow::end_verifying(std::uint64_t key) {
  const std::scoped_lock lock(mutex_);
  verifying_.erase(key);
}

bool RuleShadow::may_say(SteadyClock::time_point now) {
  const std::scoped_lock lock(mutex_);
  return lines_.take(now);
}

policy::ShadowReport RuleShadow::report() const {
  const std::scoped_lock lock(mutex_);
  return shadow_.report();
}

RuleShadows make_rule_shadows(const policy::Routes& rules, const policy::Routes& rules_before,
                              const RuleShadows& before) {
  RuleShadows shadows(rules.rules.size());
  for (std::size_t i = 0; i < rules.rules.size(); ++i) {
    const policy::RouteRule& rule = rules.rules[i];
    const bool is_live = rule.mode == policy::Mode::on && rule.verify > 0;
    if (rule.mode != policy::Mode::shadow && !is_live) continue;
    for (std::size_t j = 0; j < before.size(); ++j) {
      const policy::RouteRule& old = rules_before.rules[j];
      if (before[j] && old.mode == rule.mode && old.ttl == rule.ttl &&
          policy::means_the_same(old, rule))
        shadows[i] = before[j];
    }
    if (!shadows[i]) shadows[i] = std::make_shared<RuleShadow>(store::make_stamp(), is_live);
  }
  return shadows;
}

std::vector<std::uint64_t> hashes_of(const policy::Tags& tags) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(tags.size());
  for (const std::string& tag : tags) hashes.push_back(store::xxh3(tag));
  return hashes;
}

void note_write(const RuleShadows& shadows, const policy::Tags& tags, std::string_view method,
                std::string_view path, policy::Moment answered) {
  bool is_prepared = false;
  std::vector<std::uint64_t> hashes;
  std::string shape;
  for (const std::shared_ptr<RuleShadow>& shadow : shadows) {
    if (!shadow) continue;
    if (!std::exchange(is_prepared, true)) {
      hashes = hashes_of(tags);
      shape = policy::path_shape(path);
    }
    shadow->note(policy::ShadowWrite{
        .tags = hashes, .method = method, .shape = shape, .answered = answered});
  }
}

ShadowWatch::ShadowWatch(RuleShadow& shadow, const policy::LookupFacts& facts,
                         policy::LearnedVary& learned, policy::Moment asked)
    : shadow_(shadow),
      rule_(*facts.match.rule),
      learned_(learned),
      target_(facts.head.path),
      scheme_(facts.forwarded.proto),
      host_(facts.head.host) {
  if (facts.head.query) target_.append("?").append(*facts.head.query);
  // Once: another thread may learn more meanwhile.
  const policy::LearnedVary::Names& names = learned.names();
  std::string key;
  std::variant<policy::Tags, Detail> made = policy::make_rule_tags(facts);
  const auto* rule_tags = std::get_if<policy::Tags>(&made);
  has_key_ =
      rule_tags && policy::may_be_tagged(facts.path) && policy::append_cache_key(facts, names, key);
  if (!has_key_) return;
  const auto* user = facts.who ? std::get_if<identity::Identity>(facts.who) : nullptr;
  const bool by_owner = user && rule_.written_by == policy::WrittenBy::owner;
  tags_ = hashes_of(policy::tags_of_response(
      rule_.name, facts.path, by_owner ? std::string_view(*user->digest) : std::string_view(),
      *rule_tags));
  keyed_ = policy::make_fill_request(facts, names).keyed;
  answer_.key = store::xxh3(key);
  answer_.user = hash_credentials(facts.head.fields, facts.session_cookies);
  answer_.asked = asked;
}

void ShadowWatch::take_head(const WatchedHead& answer) {
  if (!has_key_) return;
  has_head_ = true;
  const http::ResponseHead& head = answer.head;
  policy::StoringDecision decision = policy::decide_storing({.head = head,
                                                             .rule = rule_,
                                                             .keyed = keyed_,
                                                             .request_time = answer.now,
                                                             .response_time = answer.now,
                                                             .object_limit = answer.object_limit,
                                                             .origin = {scheme_, host_}});
  if (const auto* refused = std::get_if<policy::DoNotStore>(&decision)) {
    answer_.obstacle = refused->reason;
    if (!refused->unkeyed.empty()) (void)learned_.learn(refused->unkeyed);
  } else {
    const policy::StoredResponse& stored = std::get<policy::Keep>(decision).stored;
    answer_.lifetime = policy::freshness_lifetime(stored, rule_) - stored.initial_age;
  }
  answer_.is_comparable = head.status == 200;
  content_.take_head(head);
}

void ShadowWatch::take_content(std::string_view piece) {
  if (has_head_) content_.take_content(piece);
}

void ShadowWatch::end(policy::Moment answered) {
  if (!has_head_) return;
  const std::optional<std::uint64_t> content = content_.value();
  if (!content) answer_.is_comparable = false;
  answer_.content = content.value_or(0);
  answer_.tags = tags_;
  answer_.target = target_;
  answer_.answered = answered;
  shadow_.note(answer_);
}

}  // namespace larder::session
