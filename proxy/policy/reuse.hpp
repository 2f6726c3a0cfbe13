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

/// Fresh: answer from the store.
struct Reuse {
  seconds age{0};
  seconds ttl{0};  ///< freshness left, above zero
  bool operator==(const Reuse&) const = default;
};
/// Ask the origin by a fill, for this reason.
struct Refill {
  ForwardReason reason = ForwardReason::uri_miss;
  std::optional<seconds> ttl;  ///< of what was found stale: zero or below
  Detail detail = Detail::none;
  bool operator==(const Refill&) const = default;
};
/// What a fill could bring is not for this client: its own request goes to the origin.
struct OwnRequest {
  ForwardReason reason = ForwardReason::vary_miss;
  bool operator==(const OwnRequest&) const = default;
};
using ReuseDecision = std::variant<Reuse, Refill, OwnRequest>;

/// RFC 9111 4.2.3. A clock that went back never makes a response younger than it came.
[[nodiscard]] seconds current_age(const StoredResponse& stored, SystemSeconds now);

/// Is this stored response a representation that this client may get, going by its Vary? Fields in
/// the key are equal already. Cookie and Authorization are never sent by a fill: a response that
/// varies by them is for clients without them, unless the rule shares with everyone.
[[nodiscard]] bool is_selected(const std::vector<std::string>& vary, const http::RequestHead& head,
                               Share share);

/// `stored` may be null: nothing was found.
[[nodiscard]] ReuseDecision decide_reuse(const http::RequestHead& head, const Demands& demands,
                                         const StoredResponse* stored, const RouteRule& rule,
                                         SystemSeconds now);

}  // namespace larder::policy
