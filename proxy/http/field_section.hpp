// Field section: the field lines of a head, and what they say about framing (RFC 9112 5 and 6).
//
// For this folder's two head parsers and the trailers of chunked; strict alike in all three places.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/head_error.hpp"
#include "http/message.hpp"

namespace larder::http {

/// What was noted while the lines were read; a count of lines, and the value of the first.
struct SectionFacts {
  std::uint8_t host_lines = 0;  ///< saturates at 2, like the other counts
  std::uint8_t length_lines = 0;
  std::uint8_t coding_lines = 0;
  bool close = false;             ///< Connection: close
  bool keep_alive = false;        ///< Connection: keep-alive
  bool expects_continue = false;  ///< Expect: 100-continue
  bool expects_unknown = false;   ///< any other expectation
  std::string_view host;
  std::string_view length;
  std::string_view coding;
};

/// Reads lines from `at` up to and with the empty line that ends the section; `at` is then behind
/// it.
[[nodiscard]] HeadError parse_field_section(const char*& at, const char* end,
                                            std::size_t field_limit, Fields& fields,
                                            SectionFacts& facts);

/// One line without its CRLF, which ends where `line` ends: its grammar alone.
[[nodiscard]] HeadError check_field_line(std::string_view line);

/// How Content-Length and Transfer-Encoding delimit the content (RFC 9112 6.3); `none` when neither
/// is there. Any doubt is an error.
[[nodiscard]] HeadError decide_framing(const SectionFacts& facts, Version version,
                                       BodyFraming& framing);

/// RFC 9112 9.3.
[[nodiscard]] inline bool wishes_keep_alive(const SectionFacts& facts, Version version) {
  return !facts.close && (version == Version::http_1_1 || facts.keep_alive);
}

/// The error for the byte at `at`, where another was due: NUL, bare LF and bare CR have errors of
/// their own, for anything else (also the end of input) it is `otherwise`.
[[nodiscard]] HeadError error_at(const char* at, const char* end, HeadError otherwise);

}  // namespace larder::http
