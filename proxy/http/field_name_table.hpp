// Field name table: telling a known field name by one hash and one comparison.
//
// For this folder's parsers, which have already seen that a name is a token; parse_field_name() is
// the way in for everybody else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/field_name.hpp"
#include "http/grammar.hpp"

namespace larder::http {

/// In the order of FieldName.
inline constexpr std::array<std::string_view, 58> usual_names = {"",
                                                                 "Accept",
                                                                 "Accept-Encoding",
                                                                 "Accept-Language",
                                                                 "Age",
                                                                 "Authorization",
                                                                 "Cache-Control",
                                                                 "Cache-Group-Invalidation",
                                                                 "Cache-Groups",
                                                                 "Cache-Status",
                                                                 "Cache-Tag",
                                                                 "CDN-Cache-Control",
                                                                 "Connection",
                                                                 "Content-Encoding",
                                                                 "Content-Language",
                                                                 "Content-Length",
                                                                 "Content-Location",
                                                                 "Content-Range",
                                                                 "Content-Type",
                                                                 "Cookie",
                                                                 "Date",
                                                                 "ETag",
                                                                 "Expect",
                                                                 "Expires",
                                                                 "Forwarded",
                                                                 "Host",
                                                                 "If-Match",
                                                                 "If-Modified-Since",
                                                                 "If-None-Match",
                                                                 "If-Range",
                                                                 "If-Unmodified-Since",
                                                                 "Keep-Alive",
                                                                 "Larder-Cache-Control",
                                                                 "Larder-Explain",
                                                                 "Last-Modified",
                                                                 "Location",
                                                                 "Origin",
                                                                 "Pragma",
                                                                 "Proxy-Authenticate",
                                                                 "Proxy-Authorization",
                                                                 "Proxy-Connection",
                                                                 "Range",
                                                                 "Server",
                                                                 "Set-Cookie",
                                                                 "Surrogate-Key",
                                                                 "TE",
                                                                 "traceparent",
                                                                 "Trailer",
                                                                 "Transfer-Encoding",
                                                                 "Upgrade",
                                                                 "User-Agent",
                                                                 "Vary",
                                                                 "Via",
                                                                 "X-Cache-Status",
                                                                 "X-Forwarded-For",
                                                                 "X-Forwarded-Host",
                                                                 "X-Forwarded-Proto",
                                                                 "X-Request-Id"};
static_assert(usual_names.size() == static_cast<std::size_t>(FieldName::x_request_id) + 1);
static_assert(usual_names.size() <= 64, "http::Fields has a bit for each");
inline constexpr std::size_t longest_name = 24;

/// A known name in lower case, as a comparison reads it.
struct alignas(32) KnownName {
  FieldName id = FieldName::unknown;
  std::uint8_t length = 0;
  std::array<char, longest_name> lower{};
};

/// The factors were searched for: every known name has a slot of its own.
[[nodiscard]] constexpr std::uint8_t slot_of(std::string_view name) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(name[i]) | 0x20u; };
  return static_cast<std::uint8_t>(name.size() + (at(0) + at(name.size() - 1)) * 25 +
                                   at(name.size() / 2) * 59);
}

constexpr std::array<std::uint8_t, 256> make_slots() {
  std::array<std::uint8_t, 256> slots{};
  for (std::size_t i = 1; i < usual_names.size(); ++i) {
    const std::uint8_t slot = slot_of(usual_names[i]);
    // Not a constant expression, so that a new name which collides does not compile.
    if (slots[slot] != 0) throw "two names share a slot: search new factors";
    slots[slot] = static_cast<std::uint8_t>(i);
  }
  return slots;
}
constexpr std::array<KnownName, usual_names.size()> make_known_names() {
  std::array<KnownName, usual_names.size()> known{};
  for (std::size_t i = 1; i < known.size(); ++i) {
    known[i].id = static_cast<FieldName>(i);
    known[i].length = static_cast<std::uint8_t>(usual_names[i].size());
    for (std::size_t c = 0; c < usual_names[i].size(); ++c)
      known[i].lower[c] = grammar::to_lower(usual_names[i][c]);
  }
  return known;
}
inline constexpr auto slots = make_slots();
inline constexpr auto known_names = make_known_names();

/// `name` is a token.
[[nodiscard]] inline FieldName recognise_token(std::string_view name) {
  const KnownName& candidate = known_names[slots[slot_of(name)]];
  const bool same = candidate.length == name.size() &&
                    grammar::equals_lower(name.data(), candidate.lower.data(), name.size());
  return same ? candidate.id : FieldName::unknown;
}

}  // namespace larder::http
