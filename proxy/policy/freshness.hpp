// Freshness: how long a response is fresh, and by whose word (RFC 9111 4.2).
#pragma once

#include <cstdint>

#include "http/cache_control.hpp"
#include "http/message.hpp"
#include "policy/route.hpp"
#include "policy/stored_response.hpp"

namespace larder::policy {

/// Whose word a freshness lifetime is.
enum class FreshnessSource : std::uint8_t {
  none,       ///< nobody's: the response says nothing, and the rule neither
  rule,       ///< the rule's `ttl` or `statuses`
  s_maxage,   ///< RFC 9111 5.2.2.10
  max_age,    ///< 5.2.2.1
  expires,    ///< 5.3
  heuristic,  ///< 4.2.2
  otherwise,  ///< the rule's default under `ttl: origin`
};

struct Freshness {
  FreshnessSource source = FreshnessSource::none;
  seconds lifetime{0};  ///< counted from when the origin made the response; zero: stale at once
  bool operator==(const Freshness&) const = default;
};

/// What the origin says of reuse by a shared cache.
struct OriginWord {
  http::ResponseCacheControl control;
  bool counts_expires = true;  ///< false where a targeted field spoke (RFC 9213 2.2)
};

[[nodiscard]] Freshness decide_freshness(const http::ResponseHead& head, const OriginWord& word,
                                         const RouteRule& rule, SystemSeconds response_time);

/// The lifetime that counts for a stored response under the rule as it is now: a `ttl` that has
/// been changed holds for what is stored already.
[[nodiscard]] seconds freshness_lifetime(const StoredResponse& stored, const RouteRule& rule);

/// RFC 9110 15.1: statuses that may be stored without explicit freshness.
[[nodiscard]] bool is_heuristically_cacheable(std::uint16_t status);
/// Does Larder know what this status demands of a cache (RFC 9111 3, must-understand)?
[[nodiscard]] bool is_understood(std::uint16_t status);

}  // namespace larder::policy
