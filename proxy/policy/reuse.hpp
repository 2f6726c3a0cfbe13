// Reuse: may this stored response answer this request now (RFC 9111 4)?
//
// Callers pass `now`; nothing here reads a clock. That the key matched is known before.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/cache_status.hpp"
#include "policy/learned_vary.hpp"
#include "policy/lookup.hpp"
#include "policy/route.hpp"
#include "policy/stored_response.hpp"

namespace larder::policy {

/// Answer from the store.
struct Reuse {
  seconds age{0};
  seconds ttl{0};        ///< freshness left; zero or below: stale, and allowed all the same
  bool refresh = false;  ///< ask the origin behind the client's back (RFC 5861 3)
  Detail detail = Detail::none;
  bool operator==(const Reuse&) const = default;
};
/// Ask the origin by a fill, for this reason; where the request has only-if-cached, nobody is asked
/// and it is answered with 504.
struct Refill {
  ForwardReason reason = ForwardReason::uri_miss;
  std::optional<seconds> ttl;  ///< of what was found stale: zero or below
  Detail detail = Detail::none;
  bool operator==(const Refill&) const = default;
};
/// What a fill could bring is not for this client: its own request goes to the origin.
struct OwnRequest {
  ForwardReason reason = ForwardReason::vary_miss;
  Detail detail = Detail::not_ours_to_share;
  bool operator==(const OwnRequest&) const = default;
};
using ReuseDecision = std::variant<Reuse, Refill, OwnRequest>;

/// Why this response is not for the client, though stored under its key or brought by a fill for
/// it; nothing: it may have it.
[[nodiscard]] std::optional<OwnRequest> decide_own_request(const http::RequestHead& head,
                                                           const Demands& demands,
                                                           const StoredResponse& stored,
                                                           const RouteRule& rule);

/// RFC 9111 4.2.3. A clock that went back never makes a response younger than it came.
[[nodiscard]] seconds current_age(const StoredResponse& stored, SystemSeconds now);

/// Freshness left at `now`; zero or below: nobody may have it without the origin being asked, which
/// is so from the start where it says no-cache.
[[nodiscard]] seconds fresh_for(const StoredResponse& stored, const RouteRule& rule,
                                SystemSeconds now);

/// Is this stored response a representation that this client may get, going by its Vary? Fields in
/// the key are equal already. Cookie and Authorization are never sent by a fill for `anonymous`: a
/// response that varies by them is for clients without them. Under the other shares the rule has
/// said that they tell nothing more than who asks.
[[nodiscard]] bool is_selected(const Texts& vary, const http::RequestHead& head, Share share);

/// How long after its lifetime a response may still be served (RFC 9111 4.2.4, RFC 5861): the
/// rule's word, else the response's. Zero where it forbids that (must-revalidate, no-cache, ...).
struct StaleBounds {
  seconds while_revalidate{0};
  seconds if_error{0};  ///< the origin answers 500, 502, 503 or 504
  seconds if_unreachable{
      0};  ///< it does not answer at all; where nobody says, `default_if_unreachable`
};
[[nodiscard]] StaleBounds stale_bounds(const StoredResponse& stored, const RouteRule& rule);
inline constexpr seconds default_if_unreachable{300};

/// How a request to the origin failed that would have made a stale response fresh.
enum class OriginTrouble : std::uint8_t { unreachable, error_status };
/// What may be served then: the stale response, or nothing. A request's stale-if-error may allow
/// more than the response says, never more than the rule does.
[[nodiscard]] std::optional<Reuse> decide_stale_reuse(const StoredResponse& stored,
                                                      bool is_softened, const Demands& demands,
                                                      const RouteRule& rule, OriginTrouble trouble,
                                                      SystemSeconds now);
/// RFC 5861 4: the statuses that count as trouble.
[[nodiscard]] bool is_origin_trouble(std::uint16_t status);

/// `stored` may be null: nothing was found. `is_softened`: by a soft purge; it is stale then, for
/// no longer than by its age.
[[nodiscard]] ReuseDecision decide_reuse(const http::RequestHead& head, const Demands& demands,
                                         const StoredResponse* stored, bool is_softened,
                                         const RouteRule& rule, SystemSeconds now);

}  // namespace larder::policy
