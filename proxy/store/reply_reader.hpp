// Reply reader: the replies of one connection, from the bytes as they come (RESP2). No I/O.
//
// Strict, and bounded in every direction: what no honest Redis sends ends it, and is not guessed
// at. Each byte is looked at once, and texts stay where they were received, unless they come in
// pieces. hiredis' reader believes lengths ("*1000000000" makes it allocate), so it needed a guard
// before it, which walked everything as well: of a hit's 68,300 instructions the two took 8,500,
// this takes 2,050 (tests/bench/gates --profile redis-busy). hiredis is the judge of this one in
// tests/fuzz/resp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace larder::store {

class Pipeline;

struct ReplyLimits {
  std::size_t depth = 0;      ///< of arrays; at most ReplyReader::depth_limit
  std::int64_t elements = 0;  ///< of all arrays of one reply
};
/// SCAN alone is answered by an array in an array: its cursor, and keys.
inline constexpr ReplyLimits of_replies{2, 8'192};
/// The topology of a Redis Cluster: ranges of nodes with metadata.
inline constexpr ReplyLimits of_topologies{4, 65'536};
/// What a subscribed connection is told of may be a list.
inline constexpr ReplyLimits of_messages{2, 65'536};

/// Bytes as they came, and who keeps them where they are.
struct Received {
  std::string_view bytes;
  std::shared_ptr<const char[]> owner;
};

class ReplyReader {
 public:
  static constexpr std::size_t depth_limit = 4;
  static constexpr std::int64_t bulk_limit = 64 << 20;  ///< bytes of all texts of one reply
  static constexpr std::size_t line_limit = 16 << 10;   ///< bytes of a status or error

  enum class Result : std::uint8_t { complete, incomplete, refused };

  explicit ReplyReader(ReplyLimits limits) : limits_(limits) {}

  /// Reads on in the reply to `pipeline`'s next command, the same pipeline until it is whole. What
  /// was read is taken from the bytes: all of them, or up to the end of that reply (`complete`).
  /// After `refused` nothing may be read any more.
  [[nodiscard]] Result read(Received& received, Pipeline& pipeline);

 private:
  Result take_element(Received& received, Pipeline& pipeline);
  Result take_line(Received& received, Pipeline& pipeline);
  Result take_rest_of_line(Received& received, Pipeline& pipeline);
  Result take_text(std::int64_t size, Received& received, Pipeline& pipeline);
  Result take_piece(std::string_view& bytes, Pipeline& pipeline);
  Result begin_array(std::int64_t elements, Pipeline& pipeline);
  Result end_element();

  const ReplyLimits limits_;
  std::string line_;  ///< what has come of a line that is not whole
  std::int64_t text_left_ =
      0;                       ///< bytes of a text that are to come, with its CRLF; zero: a line is
  std::int64_t payloads_ = 0;  ///< bytes of this reply's texts, announced
  std::array<std::int64_t, depth_limit> elements_left_{};
  std::size_t depth_ = 0;
  std::int64_t elements_ = 0;  ///< announced by the arrays of this reply
};

}  // namespace larder::store
