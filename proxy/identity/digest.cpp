#include "identity/digest.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

#include <openssl/evp.h>

namespace larder::identity {

std::string digest_of(std::initializer_list<std::string_view> parts) {
  std::string bytes;
  for (const std::string_view part : parts) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      bytes += static_cast<char>(static_cast<std::uint64_t>(part.size()) >> shift & 0xFF);
    bytes += part;
  }
  std::array<unsigned char, 32> hash{};
  // Without it users could not be told apart.
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
    std::abort();
  static constexpr char hex[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * hash.size());
  for (const unsigned char byte : hash) {
    text += hex[byte >> 4];
    text += hex[byte & 15];
  }
  return text;
}

}  // namespace larder::identity
