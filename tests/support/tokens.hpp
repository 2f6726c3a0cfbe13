// Tokens: JWTs made as an issuer, or a forger, would make them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace larder::test {

inline constexpr std::string_view secret = "a-secret-of-the-tests-0123456789-abcdef";

inline std::string base64url(std::string_view bytes) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    count += 8;
    for (; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text;
}

inline std::string hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

/// Signed with HMAC-SHA-256 whatever `header` says.
inline std::string make_token(std::string_view claims,
                              std::string_view header = R"({"alg":"HS256","typ":"JWT"})",
                              std::string_view key = secret) {
  std::string text = base64url(header) + "." + base64url(claims);
  text += "." + base64url(hmac(EVP_sha256(), key, text));
  return text;
}

}  // namespace larder::test
