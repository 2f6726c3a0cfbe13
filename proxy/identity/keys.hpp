// Keys: what tokens are verified with, and the one question that is asked of them.
//
// A key belongs to one family and is never used with another's algorithms: who could make Larder
// take a public RSA key for an HMAC secret would sign tokens of his own (RFC 8725 3.1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "identity/token.hpp"

struct evp_pkey_st;

namespace larder::identity {

enum class KeyFamily : std::uint8_t { hmac, rsa, p256, ed25519 };
[[nodiscard]] KeyFamily family_of(Algorithm algorithm);

struct Key {
  KeyFamily family = KeyFamily::hmac;
  std::string kid;                          ///< empty: it fits whatever a token names
  std::optional<Algorithm> only;            ///< the one algorithm it may be used with
  std::string secret;                       ///< of hmac
  std::shared_ptr<evp_pkey_st> public_key;  ///< of the others
};

/// Why there is no key; never repeats what was given.
struct KeyError {
  std::string why;
};

/// An HMAC secret, byte for byte. A PEM is refused: it belongs elsewhere.
///
/// Deviation: RFC 7518 3.2 wants a secret as long as the hash. It is Django's SECRET_KEY; whether
/// it is long enough has been decided there.
[[nodiscard]] std::variant<Key, KeyError> make_secret_key(std::string secret);
/// SubjectPublicKeyInfo in PEM: RSA of 2048 bits or more (RFC 7518 3.3), EC P-256, Ed25519.
[[nodiscard]] std::variant<Key, KeyError> parse_public_key(std::string_view pem);
/// A JWK set (RFC 7517 5). Keys that are not for signatures or of kinds unknown here are left out;
/// none left is an error. At most `most_keys`.
[[nodiscard]] std::variant<std::vector<Key>, KeyError> parse_jwks(std::string_view text);
inline constexpr std::size_t most_keys = 32;

/// RFC 7518 3.2 to 3.4, RFC 8037 3.1. HMACs are compared in constant time.
[[nodiscard]] bool is_signed_with(const Key& key, Algorithm algorithm, std::string_view input,
                                  std::string_view signature);

/// How a public key of numbers becomes one (RFC 7518 6); null when it is none of its family's.
[[nodiscard]] std::shared_ptr<evp_pkey_st> make_rsa_key(std::string_view n, std::string_view e);
[[nodiscard]] std::shared_ptr<evp_pkey_st> make_p256_key(std::string_view x, std::string_view y);
[[nodiscard]] std::shared_ptr<evp_pkey_st> make_ed25519_key(std::string_view x);

}  // namespace larder::identity
