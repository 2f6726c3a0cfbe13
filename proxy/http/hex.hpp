// Hex: a number as hexadecimal digits, all of them at once (a table takes a look for each).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "http/bytes.hpp"

namespace larder::http {

inline constexpr std::size_t hex_digits = 16;  ///< of 64 bits

/// Writes the digits in lower case, the highest first, and returns where they end.
inline char* write_hex(std::uint64_t number, char* at) {
  if constexpr (std::endian::native == std::endian::little) number = __builtin_bswap64(number);
  Bytes bytes{};
  std::memcpy(&bytes, &number, sizeof number);
  const Bytes values = __builtin_shufflevector(bytes >> 4, bytes & 15, 0, 16, 1, 17, 2, 18, 3, 19,
                                               4, 20, 5, 21, 6, 22, 7, 23);
  const Bytes letters = values > 9;
  const Bytes digits = values + '0' + (letters & ('a' - '0' - 10));
  std::memcpy(at, &digits, hex_digits);
  return at + hex_digits;
}

}  // namespace larder::http
