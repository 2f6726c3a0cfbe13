// Gzip: content into the gzip coding and back (RFC 9110 8.4.1.3, RFC 1952), within a bound.
//
// Why gzip alone, by tests/bench/codings: for JSON lists of 4 to 256 KiB of text or of random
// values gzip 5 takes 4 to 13 % more bytes than brotli 5 in at most its time, and up to 12 % more
// than zstd 6 in up to twice its. That is less than what they cost: one body is stored for all,
// nearly every client takes gzip and gets it as it is; for those without brotli or zstd (most HTTP
// libraries; browsers offer brotli over TLS only) each hit would be decoded, and sent several times
// as large. Level 5: at 256 KiB level 6 takes 20 to 43 % longer for at most 3 % less, and level 4
// is 3 to 7 % larger, much larger where rows repeat.
//
// Neither class locks: one thread each, one body at a time. No clock, no I/O; of errors only
// std::bad_alloc is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "policy/stored_response.hpp"

namespace larder::coding {

enum class CodingError : std::uint8_t {
  none,
  too_large,  ///< the result does not fit in the limit
  truncated,  ///< coded content ends before its end is marked
  malformed,  ///< no gzip, or one whose checksum or length does not fit, or with bytes behind it
};

using CodingResult = std::variant<policy::SharedBytes, CodingError>;

/// Compresses one body after the other. Its tables, some 260 KiB, are kept from body to body.
class GzipCompressor {
 public:
  GzipCompressor();
  ~GzipCompressor();
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  /// The whole body at once. `too_large` when that does not give at most `limit` bytes; nothing is
  /// kept of it then.
  [[nodiscard]] CodingResult compress(std::string_view content, std::size_t limit);

  /// The same in steps, for a caller that must not be busy for long: start(), append() as often as
  /// there is content, finish(). A piece of 64 KiB takes about a millisecond. After an error
  /// further calls return it again, until the next start(); so they do, with `too_large`, after
  /// finish().
  void start(std::size_t limit);
  [[nodiscard]] CodingError append(std::string_view piece);
  [[nodiscard]] CodingResult finish();

 private:
  struct Deflate;
  void open_room(std::size_t limit);
  CodingError step(std::string_view piece, int flush);
  CodingResult end_with(std::string_view piece);

  std::unique_ptr<Deflate> deflate_;
  std::unique_ptr<char[]> room_;
  std::size_t limit_ = 0;
  CodingError error_ = CodingError::too_large;
};

/// Decodes one body in steps of the caller's size: what is not asked for takes no memory.
class GzipDecompressor {
 public:
  /// `coded` is the caller's, and stays until the last next(). Several members (RFC 1952 2.2) are
  /// one body.
  explicit GzipDecompressor(std::string_view coded);
  ~GzipDecompressor();
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;

  /// What was written to the front of `room`: all of it, unless the body ends. `is_end`: nothing
  /// comes after, and the checksum is right. With an error (`truncated` or `malformed`) what was
  /// given so far is not to be relied on.
  struct Piece {
    std::size_t size = 0;
    bool is_end = false;
    CodingError error = CodingError::none;
  };
  /// `room` is not empty.
  [[nodiscard]] Piece next(std::span<char> room);

 private:
  struct Inflate;
  std::unique_ptr<Inflate> inflate_;
};

/// The whole body; `too_large` when it has more than `limit` bytes, whatever it claims to have. No
/// more memory than that is taken.
[[nodiscard]] CodingResult decompress_gzip(std::string_view coded, std::size_t limit);

/// The size of the decoded body as its last four bytes say it (RFC 1952 2.3.1), without decoding;
/// nothing where there are too few bytes for a gzip. True only of one member and below 4 GiB, as
/// all content is that GzipCompressor made; of other content it is a hint.
[[nodiscard]] std::optional<std::uint32_t> claimed_gzip_size(std::string_view coded);

}  // namespace larder::coding
