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

class ReplyGuard {
 public:
  /// None of our commands is answered by an array of arrays.
  static constexpr std::size_t depth_limit = 1;
  static constexpr std::int64_t element_limit = 8'192;
  static constexpr std::int64_t bulk_limit = 64 << 20;  ///< bytes
  static constexpr std::size_t line_limit = 16 << 10;   ///< bytes of a status or error

  /// False: these bytes, or those before, are no reply. Nothing more may be read then.
  [[nodiscard]] bool accept(std::string_view bytes);

 private:
  enum class State : std::uint8_t { type, line, payload, carriage_return, line_feed, refused };

  State take(std::string_view& bytes);
  State take_line(std::string_view line);
  State begin_array(std::optional<std::int64_t> elements);
  State begin_bulk(std::optional<std::int64_t> size);
  State end_element();

  State state_ = State::type;
  char type_ = 0;
  std::string line_;  ///< what has come of a line that is not whole
  std::uint64_t payload_left_ = 0;
  std::array<std::int64_t, depth_limit> elements_left_{};
  std::size_t depth_ = 0;
};

}  // namespace larder::store
