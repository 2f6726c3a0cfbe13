// Shadowing: what a request comes to that a rule in shadow matches, told to that rule's Shadow.
//
// The client's request goes to the origin as it came, and the answer to the client as it comes;
// this only looks on.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "policy/lookup.hpp"
#include "policy/shadow.hpp"
#include "policy/tags.hpp"
#include "session/answer_watch.hpp"
#include "session/content_hash.hpp"

namespace larder::session {

/// One rule's, for all threads. What no rule of the next rules file means alike is gone with it.
class RuleShadow {
 public:
  explicit RuleShadow(std::uint64_t seed) : shadow_(seed) {}
  void note(const policy::ShadowAnswer& answer);
  void note(const policy::ShadowWrite& write);
  [[nodiscard]] policy::ShadowReport report() const;

 private:
  mutable std::mutex mutex_;
  policy::Shadow shadow_;
};
using RuleShadows = std::vector<std::shared_ptr<RuleShadow>>;

/// One for each rule, null for those not in shadow. Those of `before` go on where the rule means
/// what it meant.
[[nodiscard]] RuleShadows make_rule_shadows(const policy::Routes& rules,
                                            const policy::Routes& rules_before,
                                            const RuleShadows& before);

/// Tells all of them of a write that may have changed something. `tags`: that it evicts.
void note_write(const RuleShadows& shadows, const policy::Tags& tags, std::string_view method,
                std::string_view path, policy::Moment answered);

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
  ContentHash content_;
  bool has_key_ = false;
  bool has_head_ = false;
};

}  // namespace larder::session
