// Token: a JWT as it came (RFC 7519), taken apart and judged by its form alone. Nothing in it is
// true yet: whether its signature and claims hold is said by identity/verification.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace larder::identity {

/// Of RFC 7518 3.1 and RFC 8037 3.1. "none" is not among them, and never will be.
enum class Algorithm : std::uint8_t { hs256, hs384, hs512, rs256, es256, eddsa };
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name);
[[nodiscard]] std::string_view format_algorithm(Algorithm algorithm);

/// Longer ones are refused unread.
inline constexpr std::size_t longest_token = 8 * 1024;

struct Token {
  Algorithm algorithm = Algorithm::hs256;
  std::string kid;  ///< empty: none
  boost::json::object claims;
  std::string_view signing_input;  ///< into the text that was parsed
  std::string signature;
};

/// Nothing when it is no JWS in compact form (RFC 7515 7.1) with a JSON object for claims, or one
/// that may not be understood here: an algorithm unknown here, critical extensions (`crit`, of
/// which none is known here), unencoded or nested content, a `typ` that is not an access token's
/// (RFC 8725 3.11).
[[nodiscard]] std::optional<Token> parse_token(std::string_view text);

}  // namespace larder::identity
