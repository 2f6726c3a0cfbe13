// Reply guard: refuses bytes that no honest Redis sends, before the parser sees them (RESP2).
//
// hiredis' reader believes lengths: "*1000000000" makes it allocate, "$-2" and deep nesting differ
// from version to version. Here a reply is bounded in every direction, whatever the parser does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::store {

struct ReplyLimits {
  std::size_t depth = 0;      ///< of arrays; at most ReplyGuard::depth_limit
  std::int64_t elements = 0;  ///< of all arrays of one reply
};
/// None of our commands is answered by an array of arrays.
inline constexpr ReplyLimits of_replies{1, 8'192};
/// The topology of a Redis Cluster: ranges of nodes with metadata.
inline constexpr ReplyLimits of_topologies{4, 65'536};
/// What a subscribed connection is told of may be a list.
inline constexpr ReplyLimits of_messages{2, 65'536};

class ReplyGuard {
 public:
  static constexpr std::size_t depth_limit = 4;
  static constexpr std::int64_t bulk_limit = 64 << 20;  ///< bytes of all texts of one reply
  static constexpr std::size_t line_limit = 16 << 10;   ///< bytes of a status or error

  explicit ReplyGuard(ReplyLimits limits) : limits_(limits) {}

  /// False: these bytes, or those before, are no reply. Nothing more may be read then.
  [[nodiscard]] bool accept(std::string_view bytes);

 private:
  enum class State : std::uint8_t { type, line, payload, carriage_return, line_feed, refused };

  State take(std::string_view& bytes);
  State take_line(std::string_view line);
  State begin_array(std::optional<std::int64_t> elements);
  State begin_bulk(std::optional<std::int64_t> size);
  State end_element();

  const ReplyLimits limits_;
  State state_ = State::type;
  char type_ = 0;
  std::string line_;  ///< what has come of a line that is not whole
  std::uint64_t payload_left_ = 0;
  std::int64_t payloads_ = 0;  ///< bytes of this reply's texts, announced
  std::array<std::int64_t, depth_limit> elements_left_{};
  std::size_t depth_ = 0;
  std::int64_t elements_ = 0;  ///< announced by the arrays of this reply
};

}  // namespace larder::store
