// Request head: bytes -> RequestHead, or the reason why not. Strict by RFC 9112 2 to 6.
//
// The verdict over a head cannot depend on how it was split into reads: it is refused only when all
// of it has arrived, or nothing that could arrive would help. Allocates nothing for up to 24 field
// lines. Any doubt about framing refuses.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/head_error.hpp"
#include "http/message.hpp"

namespace larder::http {

/// Two empty lines are skipped before a request line; they count in its size (RFC 9112 2.2).
inline constexpr int most_leading_bytes = 4;

struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;  ///< request line and field section together
  std::size_t fields = 100;
  std::size_t target_bytes = 8 * 1024;
};

/// Finds where a head ends while it arrives, looking at each byte once.
///
/// Refuses as soon as no more bytes could help: a bare line feed, a third empty line in front, a
/// head or first line beyond the limit. Bare CR, NUL and all other grammar are left to the parser,
/// which sees the whole head.
class HeadScanner {
 public:
  enum class State : std::uint8_t { need_more, complete, refused };
  /// `bytes` is all that has arrived of this head so far, never less than at the call before.
  State scan(std::string_view bytes, const HeadLimits& limits);
  [[nodiscard]] bool has_begun() const { return scanned_ != 0; }
  [[nodiscard]] std::size_t end() const;  ///< first byte after the head, when complete
  [[nodiscard]] HeadError error() const;  ///< when refused
  void reset();

 private:
  State refuse(HeadError error);

  std::size_t scanned_ = 0;     // no LF left to find before this
  std::size_t line_start_ = 0;  // of the line that has not ended yet
  std::size_t end_ = 0;         // zero until complete
  HeadError error_ = HeadError::none;
  bool any_line_ = false;  // a line that is not empty has ended
};

/// Parses a complete head (as HeadScanner found it) into `head`, whose storage is used again.
/// `none` means success; after any other result `head` is unspecified. Bytes behind the head are
/// not looked at; a head that is not complete is refused.
[[nodiscard]] HeadError parse_request_head(std::string_view bytes, const HeadLimits& limits,
                                           RequestHead& head);

/// Reads a head while it arrives; `bytes` as HeadScanner has them. `head` when complete, whose size
/// says where it ends; `error` when refused.
///
/// The scanner is for heads that come in pieces, or with something behind them. One that comes
/// alone is parsed at once, and its end is where the parser finds it: a second walk would cost a
/// browser's request 650 instructions.
[[nodiscard]] HeadScanner::State read_request_head(std::string_view bytes, const HeadLimits& limits,
                                                   HeadScanner& scanner, RequestHead& head,
                                                   HeadError& error);

}  // namespace larder::http
