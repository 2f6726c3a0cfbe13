// Grammar: the character classes heads are made of, and scanning them eight bytes at a time.
//
// For the units of this folder only. Classes: token (RFC 9110 5.6.2), field-value bytes (RFC 9110
// 5.5), the bytes of a request target this proxy takes, and those of a reg-name (RFC 3986 3.2.2).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "http/bytes.hpp"

namespace larder::http::grammar {

enum Class : std::uint8_t {
  token = 1,        // RFC 9110 5.6.2
  value_byte = 2,   // HTAB, SP, VCHAR, obs-text
  target_byte = 4,  // visible ASCII but "#"
  reg_name = 8,     // unreserved and sub-delims
  unreserved = 16,  // RFC 3986 2.3
  digit = 32,
  hex_digit = 64,
  path_char = 128,  // pchar without "%", and "/"
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&](std::string_view characters, unsigned bits) {
    for (const char c : characters) {
      auto& slot = classes[static_cast<unsigned char>(c)];
      slot = static_cast<std::uint8_t>(slot | bits);
    }
  };
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= value_byte;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= target_byte;
  }
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
       token | reg_name | unreserved | path_char);
  mark("!#$%&'*+-.^_`|~", token);
  mark("-._~", reg_name | unreserved | path_char);
  mark("!$&'()*+,;=", reg_name | path_char);
  mark(":@/", path_char);
  mark("0123456789", digit | hex_digit);
  mark("abcdefABCDEF", hex_digit);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

[[nodiscard]] constexpr bool is(char c, unsigned bits) {
  return (classes[static_cast<unsigned char>(c)] & bits) != 0;
}
[[nodiscard]] constexpr bool is_all(std::string_view text, unsigned bits) {
  for (const char c : text) {
    if (!is(c, bits)) return false;
  }
  return true;
}
[[nodiscard]] constexpr bool is_whitespace(char c) {
  return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
/// Of a hex digit; anything else is the caller's mistake.
[[nodiscard]] constexpr unsigned hex_value(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}
/// Without SP and HTAB at either end (OWS, RFC 9110 5.6.3).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

[[nodiscard]] inline std::uint64_t load8(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
[[nodiscard]] inline std::uint32_t load4(const char* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline constexpr std::uint64_t in_each_byte = 0x0101010101010101;

/// The first byte in [at, end) of the class `Stop`, or `end`. The sixteen bytes before `end` can be
/// read wherever `at` is, so that the last ones are looked at together, too.
template <typename Stop>
[[nodiscard]] inline const char* find_first(const char* at, const char* end) {
  const char* const last_sixteen = end - 16;
  while (at <= last_sixteen) {
    if (const std::uint64_t mask = mask_of(Stop::of(load16(at))); mask != 0)
      return at + std::countr_zero(mask) / bits_per_mark;
    at += 16;
  }
  if (at == end) return end;
  const auto behind = static_cast<int>(at - last_sixteen);
  const std::uint64_t left = mask_of(Stop::of(load16(last_sixteen))) >> (behind * bits_per_mark);
  return left == 0 ? end : at + std::countr_zero(left) / bits_per_mark;
}

/// What cannot stand in a field value, and HTAB.
struct NoValueByteOrTab {
  static auto of(Bytes bytes) { return (bytes < 0x20) | (bytes == 0x7f); }
};
/// What cannot stand in a request target.
struct NoTargetByte {
  static auto of(Bytes bytes) { return (bytes - 0x21 >= 0x7f - 0x21) | (bytes == '#'); }
};
/// What is neither a letter nor "-": the end of most field names.
struct NoLetterOrHyphen {
  static auto of(Bytes bytes) { return ((bytes | 0x20) - 'a' >= 26) & (bytes != '-'); }
};

struct LineFeed {
  static auto of(Bytes bytes) { return bytes == '\n'; }
};

/// The first byte at or after `at` that cannot stand in a field value, or `end`.
[[nodiscard]] inline const char* skip_value_bytes(const char* at, const char* end) {
  while (at != end && is(*at, value_byte)) ++at;
  return at;
}

/// Are `size` bytes at `text` the same as at `lower` but for case? Exact where `lower` has no
/// characters but lower-case letters, digits and "-", and `text` no control characters: no two
/// other bytes become one of those by setting bit 5.
[[nodiscard]] inline bool equals_lower(const char* text, const char* lower, std::size_t size) {
  constexpr std::uint64_t case_bits = in_each_byte * 0x20;
  std::uint64_t difference = 0;
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8)
      difference |= (load8(text + i) | case_bits) ^ load8(lower + i);
    difference |= (load8(text + size - 8) | case_bits) ^ load8(lower + size - 8);
  } else if (size >= 4) {
    constexpr auto half = static_cast<std::uint32_t>(case_bits);
    difference = (load4(text) | half) ^ load4(lower);
    difference |= (load4(text + size - 4) | half) ^ load4(lower + size - 4);
  } else {
    for (std::size_t i = 0; i < size; ++i)
      difference |= static_cast<unsigned char>((text[i] | 0x20) ^ lower[i]);
  }
  return difference == 0;
}
template <std::size_t size>
[[nodiscard]] inline bool equals_lower(std::string_view text, const char (&lower)[size]) {
  return text.size() == size - 1 && equals_lower(text.data(), lower, size - 1);
}

}  // namespace larder::http::grammar
