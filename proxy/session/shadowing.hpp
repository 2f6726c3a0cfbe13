// Shadowing: what a request comes to that a rule in shadow matches, told to that rule's Shadow.
//
// The client's request goes to the origin as it came, and the answer to the client as it comes;
// this only looks on. Of rules that are on: session/verifying.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/lookup.hpp"
#include "policy/shadow.hpp"
#include "policy/tags.hpp"
#include "policy/token_bucket.hpp"
#include "session/answer_watch.hpp"
#include "session/content_digest.hpp"
#include "store/io.hpp"

namespace larder::session {

/// One rule's, for all threads. What no rule of the next rules file means alike is gone with it.
class RuleShadow {
 public:
  RuleShadow(std::uint64_t seed, bool is_live) : shadow_(seed, is_live) {}
  void note(const policy::ShadowAnswer& answer);
  void note(const policy::ShadowWrite& write);
  std::optional<policy::Suspect> note(const policy::VerifiedHit& hit);
  /// A key is verified once at a time, so that one change is found once. False: it is already.
  [[nodiscard]] bool begin_verifying(std::uint64_t key);
  void end_verifying(std::uint64_t key);
  /// May the log say of a difference that was found? Not of each, where there are many.
  [[nodiscard]] bool may_say(SteadyClock::time_point now);
  [[nodiscard]] policy::ShadowReport report() const;

 private:
  mutable std::mutex mutex_;
  policy::Shadow shadow_;
  std::unordered_set<std::uint64_t> verifying_;  ///< hashes of keys
  policy::TokenBucket lines_{1.0 / 6, 10};
};
using RuleShadows = std::vector<std::shared_ptr<RuleShadow>>;

/// One for each rule, null for those neither in shadow nor verified. Those of `before` go on where
/// the rule means what it meant.
[[nodiscard]] RuleShadows make_rule_shadows(const policy::Routes& rules,
                                            const policy::Routes& rules_before,
                                            const RuleShadows& before);

/// Tells all of them of a write that may have changed something. `tags`: that it evicts.
void note_write(const RuleShadows& shadows, const policy::Tags& tags, std::string_view method,
                std::string_view path, policy::Moment answered);

/// Hashes of tags, as a Shadow has them.
[[nodiscard]] std::vector<std::uint64_t> hashes_of(const policy::Tags& tags);

/// One request's answer, watched as it goes by.
class ShadowWatch final : public AnswerWatch {
 public:
  /// `facts`: of a request that would be looked up, were the rule on; not kept. One that has no key
  /// is watched in vain.
  ShadowWatch(RuleShadow& shadow, const policy::LookupFacts& facts, policy::LearnedVary& learned,
              policy::Moment asked);

  void take_head(const WatchedHead& answer) override;
  void take_content(std::string_view piece) override;
  void end(policy::Moment answered) override;

 private:
  RuleShadow& shadow_;
  const policy::RouteRule& rule_;
  policy::LearnedVary& learned_;
  std::vector<policy::KeyedField> keyed_;
  std::vector<std::uint64_t> tags_;
  std::string target_;
  std::string scheme_;
  std::string host_;
  policy::ShadowAnswer answer_;
  ContentDigest content_;
  bool has_key_ = false;
  bool has_head_ = false;
};

}  // namespace larder::session
