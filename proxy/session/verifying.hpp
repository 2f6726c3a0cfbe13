// Verifying: a hit compared, behind the client's back, with what the origin says now (rule key
// `verify`).
//
// The client has its hit already. The origin is asked as a fill asks it, from the cache key; what
// it says is compared and thrown away, never stored. A difference counts only if no write was under
// way: if the stamps are the same after the answer as they were before the question. What was wrong
// is counted, named in the log and for `larder shadow`, and evicted as by `larder purge URL`.
//
// Under `share: everyone` the question first carries the client's own Authorization, so that one
// question tells both that nothing is old and that users get the same. Cookies are never sent: the
// answer could change a session, and its Set-Cookie would reach nobody.
#pragma once

#include <string>

#include "policy/shadow.hpp"
#include "session/filling.hpp"
#include "session/worker.hpp"

namespace larder::session {

struct Verification {
  FillJob fill;          ///< whose answer would be stored, were it one
  std::string own_head;  ///< of the request with the client's own Authorization; empty: none
  policy::Moment hit_began{};
};

/// May one more be started on this thread? They are few at once, and none while it drains.
[[nodiscard]] bool may_verify(const Worker& worker);
/// The head of a fill, with the client's Authorization; empty where there is not just one, or the
/// rule does not share with everyone.
[[nodiscard]] std::string make_own_head(const FillJob& fill, const http::RequestHead& head);

/// Runs on the worker's thread; counted in `worker.fills` until it ends, which it does by its
/// deadlines. Where may_verify(). Does nothing when the key is being verified already.
void start_verification(Worker& worker, Verification verification);

}  // namespace larder::session
