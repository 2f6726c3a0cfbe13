// Filling: the coroutine behind a Fill. Asks the origin, judges the answer, stores it, tells who
// waits.
//
// Belongs to the worker, not to the client that caused it: that one may go without ending it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/forwarding.hpp"
#include "policy/storing.hpp"
#include "session/fill.hpp"
#include "session/origin.hpp"
#include "session/worker.hpp"

namespace larder::session {

struct FillJob {
  [[nodiscard]] store::Resource resource() const {
    return {rule->name, path, user, rule_tags, rule->is_strict(), rule->variants_per_url};
  }

  std::string key;
  std::string path;  ///< normal form
  std::string user;  ///< store::Resource::user
  policy::Tags rule_tags;
  std::shared_ptr<const RuleSet> rules;
  const policy::RouteRule* rule = nullptr;  ///< within `rules`
  std::vector<policy::KeyedField> keyed;
  std::string head;  ///< of the request, as it goes out
  /// What is stored and may be confirmed by the origin (RFC 9111 4.3); null: nothing.
  policy::StoredResponsePointer previous;
  std::string scheme;  ///< with `host`: the origin that the response's groups belong to
  std::string host;
  store::FillStart start{};  ///< as the store let it begin; `filled_by`: to be waited for
  bool looks_again = false;  ///< a fill has ended since the store was looked into
  milliseconds first_byte_timeout{0};
  milliseconds response_timeout{0};  ///< zero: none
  bool has_query = false;            ///< what is asked of the origin depends on a query
  /// The client's request said more than the fill does: an answer that is not stored is not its
  /// own.
  bool differs = false;
};

/// The question to the origin. `head`: as it goes out; outlives it.
[[nodiscard]] FetchRequest make_request(const FillJob& job, std::string_view head);
/// May an answer to it be stored?
[[nodiscard]] policy::StoringDecision judge(const Worker& worker, const FillJob& job,
                                            const http::ResponseHead& head,
                                            policy::SystemSeconds request_time);

/// Asks the store how a fill may begin: also for who fills the key elsewhere, if what it stores
/// would do (`shares`) and this process does not fill it already. `found`: what a lookup just
/// returned. `key`, and what `resource` looks into, outlive it.
[[nodiscard]] awaitable<store::FillStart> begin_fill(Worker& worker, const std::string& key,
                                                     const store::Resource& resource,
                                                     store::Stamps known,
                                                     policy::StoredResponsePointer found,
                                                     bool shares);

/// For a stale response that has been served meanwhile (RFC 5861 3): nobody waits for it. `known`:
/// stamps that a lookup has just returned. Does nothing when too many are running.
void start_refresh(Worker& worker, store::Stamps known, FillJob job);

/// Runs on the worker's thread; counted in `worker.fills` until it ends, which it does by its
/// deadlines.
void start_fill(Worker& worker, const std::shared_ptr<Fill>& fill, FillJob job);

}  // namespace larder::session
