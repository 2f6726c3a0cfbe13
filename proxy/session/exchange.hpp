// Exchange: one request, from its head to its record. Read this first.
//
//   head -> rule and key -> stored response? -> reuse, or a fill joined or led, or passed on ->
//   record
//
// Every decision is made by policy and comes as a value; here it is only carried out. What needs no
// waiting is done by plain functions, and coroutines go on from there: each way through a coroutine
// costs a hit some 250 instructions (tests/bench/gates).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "policy/lookup.hpp"
#include "policy/reuse.hpp"
#include "session/answer.hpp"
#include "session/filling.hpp"
#include "session/passing_on.hpp"
#include "session/routing.hpp"
#include "session/sending.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Exchange {
 public:
  /// `after_head`: what has been read behind the request's head. `routing`: its connection's.
  Exchange(Worker& worker, Client client, const http::RequestHead& head,
           std::string_view after_head, Routing& routing);

  /// Goes as far as it can without waiting: to the end, as a rule, when memory has the answer.
  /// Nothing: finish() is to be awaited.
  [[nodiscard]] std::optional<After> begin();
  [[nodiscard]] awaitable<After> finish();

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
  void name_request();
  /// Asked only where a rule wants to know.
  void identify();
  /// Null: not known, or not asked.
  [[nodiscard]] const identity::Identity* writer() const {
    return who_ ? std::get_if<identity::Identity>(&*who_) : nullptr;
  }

  // How far it has come: to the end, to where its own request is to be passed on, or to one of:
  /// What is asked for is on its way into the store. A client is told the end of an answer before
  /// it is there; whoever asks next, perhaps the same client, shall find it all the same.
  struct AwaitStoring {
    std::shared_ptr<Fill> fill;
  };
  struct AwaitStore {};   ///< the store has to be asked
  struct AwaitClient {};  ///< the client's kernel has no room for all of the answer
  struct AwaitPurge {};   ///< an operator purges
  /// Nothing that may be used was found: what the store says of it.
  struct AwaitFill {
    policy::ForwardReason reason;
    store::Lookup found;
  };
  using Progress = std::variant<After, policy::PassOn, AwaitStoring, AwaitStore, AwaitClient,
                                AwaitFill, AwaitPurge>;

  [[nodiscard]] Progress decide();
  [[nodiscard]] Progress refuse_content();
  [[nodiscard]] Progress send_problem(std::uint16_t status, std::string_view detail);
  [[nodiscard]] policy::Detail make_key();
  [[nodiscard]] Progress look_up(policy::Demands demands);
  [[nodiscard]] Progress look_up_now();
  [[nodiscard]] Progress use(store::Lookup&& found, policy::SystemSeconds now);
  [[nodiscard]] Progress carry_out(const policy::Reuse& reuse, store::Lookup&& found,
                                   policy::SystemSeconds now);
  [[nodiscard]] Progress carry_out(const policy::Refill& refill, store::Lookup&& found,
                                   policy::SystemSeconds now);
  [[nodiscard]] Progress carry_out(const policy::OwnRequest& own, const store::Lookup& found,
                                   policy::SystemSeconds now);
  /// Perhaps: so many of a million, as its rule says.
  void verify(const policy::Reuse& reuse);
  /// Tells what has happened.
  After end(After after);

  /// Until a fill that somebody may have had all of has ended.
  [[nodiscard]] awaitable<void> wait_for(std::shared_ptr<Fill> fill);
  [[nodiscard]] awaitable<After> refill(policy::ForwardReason reason, store::Lookup found);
  [[nodiscard]] awaitable<After> pass_on(policy::PassOn pass);

  /// Of what is passed on: whoever looks on while it is; null: nobody.
  [[nodiscard]] std::unique_ptr<AnswerWatch> make_watch(policy::Detail passed_on);
  [[nodiscard]] FillJob make_fill_job(policy::StoredResponsePointer previous);
  [[nodiscard]] bool fills_at_once() const;
  [[nodiscard]] policy::Detail decide_admission(const FillJob& job) const;
  [[nodiscard]] milliseconds first_byte_timeout() const;
  [[nodiscard]] std::uint64_t body_limit() const;
  [[nodiscard]] milliseconds response_timeout() const;

  Worker& worker_;
  const config::Settings& settings_;
  Client client_;
  const http::RequestHead& head_;
  std::string_view after_head_;
  BodyReader content_;  ///< of the request
  Routing& routing_;
  const std::shared_ptr<const RuleSet>& rules_;
  const policy::RouteMatch& match_;
  const std::string& path_;  ///< normal form
  policy::ForwardedFacts forwarded_;
  RequestId id_;
  RequestId fill_id_;
  std::optional<Span> span_;
  std::string& key_;
  /// What its key knows beyond the rule's own fields, and so its fill: what is learned while the
  /// store is asked is for the keys of others. Null: no key was made.
  const policy::LearnedVary::Names* learned_ = nullptr;
  const SteadyClock::time_point started_;
  std::optional<identity::Identification> who_;  ///< nothing: not asked
  std::string_view
      user_;  ///< the digest within `who_` where responses are tagged by it; else empty
  policy::Tags rule_tags_;
  policy::Demands demands_;
  bool is_explained_ = false;     ///< the client asks for it, and may know
  std::string shown_key_;         ///< then: the key without secrets
  std::uint64_t departures_ = 0;  ///< of fills, before the store was looked into
  ExchangeRecord record_;
  Answer answer_;
  Sending sending_;  ///< of what is stored
  std::optional<PassingOn> passing_on_;
  Progress progress_;
};

}  // namespace larder::session
