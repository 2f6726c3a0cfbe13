// Exchange: one request, from its head to its record. Read this first.
//
//   head -> rule and key -> stored response? -> reuse, or a fill joined or led, or passed on ->
//   record
//
// Every decision is made by policy and comes as a value; here it is only carried out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/lookup.hpp"
#include "policy/reuse.hpp"
#include "session/answer.hpp"
#include "session/fill.hpp"
#include "session/filling.hpp"
#include "session/relay.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Exchange {
 public:
  /// `after_head`: what has been read behind the request's head.
  Exchange(Worker& worker, Client client, const http::RequestHead& head,
           std::string_view after_head);

  [[nodiscard]] awaitable<After> run();

  /// Bytes of the client's next request that were read with this one's content.
  [[nodiscard]] std::string_view surplus() const { return content_.surplus(); }

 private:
  [[nodiscard]] policy::LookupFacts facts() const;
  [[nodiscard]] store::Resource resource() const {
    return {match_.rule->name,
            path_,
            user_,
            rule_tags_,
            match_.rule->is_strict(),
            match_.rule->variants_per_url};
  }
  /// Asked only where a rule wants to know.
  void identify();
  /// Null: not known, or not asked.
  [[nodiscard]] const identity::Identity* writer() const {
    return who_ ? std::get_if<identity::Identity>(&*who_) : nullptr;
  }

  [[nodiscard]] awaitable<After> refuse_content();
  [[nodiscard]] awaitable<After> look_up(policy::Demands demands);
  [[nodiscard]] awaitable<After> carry_out(policy::Reuse reuse, store::Lookup found);
  [[nodiscard]] awaitable<After> carry_out(policy::Refill refill, store::Lookup found);
  [[nodiscard]] awaitable<After> carry_out(policy::OwnRequest own, store::Lookup found);

  [[nodiscard]] FillJob make_fill_job(policy::StoredResponsePointer previous) const;
  [[nodiscard]] policy::Detail decide_admission(const FillJob& job) const;
  [[nodiscard]] awaitable<After> answer_stored(policy::Reuse reuse,
                                               policy::StoredResponsePointer stored);
  /// The origin gave no answer: what is stored, if it may be served stale, or a problem.
  [[nodiscard]] awaitable<After> answer_failed(FetchFailure failure);
  [[nodiscard]] awaitable<After> answer_from(std::shared_ptr<Fill> fill, bool leads, bool differs);
  [[nodiscard]] awaitable<After> stream_from(std::shared_ptr<Fill> fill, Fill::Snapshot snapshot,
                                             std::shared_ptr<Timer> timer);

  [[nodiscard]] awaitable<After> pass_on(policy::ForwardReason reason, policy::Detail detail);

  [[nodiscard]] RelayTo relay_to() {
    return {answer_, head_, record_, worker_.origin, worker_.shared.clock.now_in_seconds()};
  }
  [[nodiscard]] milliseconds first_byte_timeout() const;
  [[nodiscard]] std::uint64_t body_limit() const;
  [[nodiscard]] milliseconds response_timeout() const;

  Worker& worker_;
  const config::Settings& settings_;
  Client client_;
  const http::RequestHead& head_;
  std::string_view after_head_;
  BodyReader content_;  ///< of the request
  std::shared_ptr<const RuleSet> rules_;
  policy::ForwardedFacts forwarded_;
  std::string path_;  ///< normal form; empty when ambiguous
  bool ambiguous_ = false;
  policy::RouteMatch match_;
  std::optional<identity::Identification> who_;  ///< nothing: not asked
  std::string_view
      user_;  ///< the digest within `who_` where responses are tagged by it; else empty
  policy::Tags rule_tags_;
  policy::Demands demands_;
  policy::StoredResponsePointer stale_;  ///< found, and perhaps to be served should the origin fail
  std::string key_;
  std::uint64_t departures_ = 0;  ///< of fills, before the store was looked into
  ExchangeRecord record_;
  Answer answer_;
};

}  // namespace larder::session
