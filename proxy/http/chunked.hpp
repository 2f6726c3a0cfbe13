// Chunked: the chunked transfer coding, decoded as it arrives and encoded (RFC 9112 7.1).
//
// Strict: CRLF only, no whitespace around the size, at most 16 hex digits without overflow, bounded
// extensions and trailers. Extensions are skipped. Trailers are validated by the grammar of a head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace larder::http {

struct ChunkLimits {
  std::size_t extension_bytes = 1024;  ///< of all chunks of a message together
  std::size_t trailer_bytes = 8 * 1024;
  std::size_t trailer_fields = 32;
};

class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(ChunkLimits limits = {}) : limits_(limits) {}

  enum class Kind : std::uint8_t { need_more, data, end, refused };
  struct Step {
    Kind kind = Kind::need_more;
    std::size_t consumed = 0;  ///< bytes of the input this step has used up
    std::string_view data;     ///< for `data`: a view into the input, within what was consumed
    std::string_view reason;   ///< for `refused`
  };
  /// `need_more` may have consumed a part; give what is left over again, with more behind it. (It
  /// consumes everything now.) Further calls after `end` and `refused` say the same again.
  [[nodiscard]] Step next(std::string_view input);
  /// After `end`: the trailer section as received, without the final empty line; empty when none.
  [[nodiscard]] const std::string& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size_start,
    size,
    extension,
    size_line_feed,
    data,
    data_return,
    data_line_feed,
    trailer_start,
    trailer_line,
    trailer_line_feed,
    end_line_feed,
    end,
    refused,
  };
  /// Takes one byte outside of data; false when that is the end of the message or it is refused.
  bool take(char byte);
  bool refuse(std::string_view reason);
  bool add_to_trailers(char byte);
  bool end_trailer_line();

  ChunkLimits limits_;
  State state_ = State::size_start;
  unsigned size_digits_ = 0;
  std::uint64_t remaining_ = 0;  // of the chunk: while its size is read, the size so far
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
  std::size_t trailer_line_start_ = 0;  // in trailers_
  std::string_view reason_;
  std::string trailers_;
};

/// "1f4\r\n"; the caller writes data and CRLF behind it. Room for 18 characters is enough.
std::string_view format_chunk_size(std::uint64_t size, char (&room)[20]);

}  // namespace larder::http
