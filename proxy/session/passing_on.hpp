// Passing on: a request that goes to the origin as its client's own, and what it makes old.
//
//   decide what it may evict -> lease -> fetch -> evict -> relay, or tunnel
//
// A request that may change nothing has no more than the fetch and the relay of this.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "policy/forwarding.hpp"
#include "policy/tags.hpp"
#include "session/answer.hpp"
#include "session/body_reader.hpp"
#include "session/origin.hpp"
#include "session/relay.hpp"
#include "session/worker.hpp"
#include "store/store.hpp"

namespace larder::session {

/// What its exchange knows of the request. Everything outlives the passing on.
struct PassedOn {
  Worker& worker;
  Client client;
  const http::RequestHead& head;
  std::string_view after_head;  ///< what has been read behind it
  BodyReader& content;
  const RuleSet& rules;
  const policy::ForwardedFacts& forwarded;
  const identity::Identity* writer = nullptr;  ///< null: not known, or not asked
  Answer& answer;
  ExchangeRecord& record;
  milliseconds first_byte_timeout{0};
  milliseconds response_timeout{0};      ///< zero: none
  std::unique_ptr<AnswerWatch> watch{};  ///< of what is compared or observed; null: nobody looks on
};

class PassingOn {
 public:
  explicit PassingOn(PassedOn own) : own_(std::move(own)) {}

  [[nodiscard]] awaitable<After> run();

 private:
  /// What these rules say that the write makes old.
  [[nodiscard]] policy::EvictionDecision decide_eviction(const RuleSet& rules) const;
  /// And what they say of a resource that its answer names, of which its query and fields say
  /// nothing.
  [[nodiscard]] policy::EvictionDecision decide_eviction_of(const RuleSet& rules,
                                                            const std::string& named) const;
  /// Of the client's own request; its head is written where the answer's will be.
  void make_request(bool has_content);
  /// What a write with this outcome made old; empty: nothing.
  [[nodiscard]] policy::Tags tags_made_old(const policy::EvictionDecision& eviction,
                                           const FetchResult& result) const;
  [[nodiscard]] policy::Moment this_moment() const;
  /// Of a write that may have changed something.
  void note_write(const FetchResult& result, const policy::Tags& evicted) const;
  /// `is_given_up`: the origin may carry the write out yet.
  [[nodiscard]] awaitable<void> evict(store::LeasePointer lease, policy::Tags tags,
                                      bool is_given_up);
  [[nodiscard]] awaitable<After> tunnel(OriginAnswer answer);
  [[nodiscard]] bool wants_upgrade() const;

  PassedOn own_;
  FetchRequest request_;
  std::optional<Upload> upload_;  ///< nothing: the request has no content
};

}  // namespace larder::session
