// Observing: what goes by under no rule, told to policy/observation so that rules may be found from
// it (setting `observe`).
//
// As with shadowing, request and answer pass as they are. The content is hashed while it streams
// by, once; nothing else of it is looked at or kept.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "policy/lookup.hpp"
#include "policy/observation.hpp"
#include "session/answer_watch.hpp"
#include "session/content_digest.hpp"

namespace larder::session {

/// Of all threads. It outlasts a reload: what rules were missing is not what they say.
class Observing {
 public:
  explicit Observing(std::size_t most_urls) : observations_(most_urls) {}
  void note(const policy::ObservedAnswer& answer);
  void note(const policy::ObservedWrite& write);
  /// As it is now.
  [[nodiscard]] policy::Observations copy() const;

 private:
  mutable std::mutex mutex_;
  policy::Observations observations_;
};

/// A GET that no rule matches, and its answer.
class ObservedGet final : public AnswerWatch {
 public:
  /// `facts`: as far as they are known without a rule; not kept. `who`: asked for them.
  ObservedGet(Observing& observing, const policy::LookupFacts& facts,
              const identity::Identification& who, policy::Moment asked);

  void take_head(const WatchedHead& answer) override;
  void take_content(std::string_view piece) override { content_.take_content(piece); }
  void end(policy::Moment answered) override;

 private:
  Observing& observing_;
  std::string path_;
  std::string query_;
  std::string scheme_;
  std::string host_;
  policy::ObservedAnswer answer_;
  ContentDigest content_;
  bool has_head_ = false;
};

}  // namespace larder::session
