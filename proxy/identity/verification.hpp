// Verification: is this token true, by these keys, now, and who does it speak of (RFC 7515 5.2,
// RFC 7519 7.2, RFC 8725)?
//
// Stricter than Django wherever they could differ: what is refused here is passed on and judged
// there; what is accepted here must be accepted there.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "identity/keys.hpp"
#include "identity/token.hpp"

namespace larder::identity {

/// What a token must be like. One for all threads, never changed.
struct TokenRules {
  std::vector<Key> keys;
  std::vector<Algorithm> algorithms;   ///< others are refused, whatever the keys could do
  std::string claim = "user_id";       ///< that says who it speaks of: text or a whole number
  std::vector<std::string> audiences;  ///< one must be in `aud`; empty: no token may have `aud`
  /// What `iss` must be; empty: anything. One alone: two issuers may mean two people by one claim.
  std::string issuer;
  /// One of these a token's `token_type` must be where it has that claim (simplejwt: "access",
  /// "refresh", "sliding"); empty: any.
  std::vector<std::string> token_types{"access"};
  std::chrono::seconds leeway{0};  ///< for clocks that differ, in `exp`, `nbf` and `iat`
};

struct Verified {
  std::string digest;  ///< of who it speaks of (identity/digest)
  /// `nbf` or `iat`, whichever is later, with the leeway: true from it on.
  std::chrono::sys_seconds begins_at{};
  std::chrono::sys_seconds
      expires_at{};  ///< `exp` with the leeway: true before it, no longer at it
  /// Every claim by name, its value as JSON: for {jwt.CLAIM} in keys.
  std::vector<std::pair<std::string, std::string>> claims;
};

/// Why a token is not believed, in the order in which it is asked.
enum class Unverified : std::uint8_t {
  malformed,      ///< no token, or one of a kind not understood here
  algorithm,      ///< not among those allowed
  signature,      ///< made with none of the keys
  expired,        ///< `exp` has passed
  not_yet_valid,  ///< `nbf` or `iat` lies ahead
  audience,
  issuer,
  claims,  ///< without a proper `exp`, of another type, or without the claim
};

using Verification = std::variant<Verified, Unverified>;

[[nodiscard]] Verification verify(std::string_view token, const TokenRules& rules,
                                  std::chrono::sys_seconds now);

}  // namespace larder::identity
