// Joining: one request's part in a fill, which it leads or follows: waits until it is known what
// came of it, and answers from what arrives.
//
// An answer that is not stored is nobody's but its leader's, and not even its own when its request
// said more than the fill did: then the request itself is to be passed on.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "policy/lookup.hpp"
#include "policy/reuse.hpp"
#include "session/answer.hpp"
#include "session/fill.hpp"
#include "session/relay.hpp"
#include "session/worker.hpp"

namespace larder::session {

/// What its exchange knows of the request. Everything outlives the joining.
struct Joiner {
  Worker& worker;
  const http::RequestHead& head;
  const policy::RouteRule& rule;
  const policy::Demands& demands;
  /// What the store had, perhaps to be served should the origin fail; null: nothing.
  policy::StoredResponsePointer stale;
  bool is_softened = false;  ///< `stale` is so by a soft purge
  Answer& answer;
  ExchangeRecord& record;
  milliseconds first_byte_timeout{0};
};

/// The answer, or that the request itself is to be passed on.
using JoinOutcome = std::variant<After, policy::PassOn>;

class Joining {
 public:
  /// `leads`: the fill was started for this request. `differs`: whose request said more than it.
  Joining(Joiner own, std::shared_ptr<Fill> fill, bool leads, bool differs);

  [[nodiscard]] awaitable<JoinOutcome> run();

 private:
  /// Until it is known whether the answer may be begun with, and no longer than a fill may take.
  [[nodiscard]] awaitable<Fill::Snapshot> wait();
  [[nodiscard]] awaitable<JoinOutcome> answer_from(Fill::Snapshot snapshot);
  /// The origin gave no answer: what is stored, if it may be served stale, or a problem.
  [[nodiscard]] awaitable<After> answer_failed(FetchFailure failure);
  [[nodiscard]] awaitable<JoinOutcome> answer_refused(Fill::Snapshot snapshot);
  /// Nothing: it may not be served for this.
  [[nodiscard]] std::optional<policy::Reuse> decide_stale_reuse(
      policy::OriginTrouble trouble) const;
  [[nodiscard]] awaitable<After> answer_stale(policy::Reuse reuse);
  [[nodiscard]] awaitable<After> stream(Fill::Snapshot snapshot);

  [[nodiscard]] policy::SystemSeconds now() const {
    return own_.worker.shared.clock.now_in_seconds();
  }
  [[nodiscard]] RelayTo relay_to() {
    return {own_.answer, own_.head, own_.record, own_.worker.origin, now()};
  }

  Joiner own_;
  std::shared_ptr<Fill> fill_;
  bool leads_;
  bool differs_;
  std::shared_ptr<Timer> timer_;
};

}  // namespace larder::session
