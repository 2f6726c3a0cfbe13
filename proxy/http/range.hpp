// Range: the byte ranges a request asks for, and which bytes of a known length they are (RFC 9110
// 14.1, 14.2).
//
// Whether they are to be answered at all (method, If-Range): policy/ranges.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::http {

/// More ranges in one field than these are a broken client or an attack (RFC 9110 14.2, 17.15).
inline constexpr std::size_t maximum_ranges = 16;

/// One range-spec. Numbers too large for the type become its largest.
struct RangeSpec {
  std::optional<std::uint64_t> first;  ///< nothing: `last` is the length of a suffix
  std::optional<std::uint64_t> last;   ///< nothing: to the end
  bool operator==(const RangeSpec&) const = default;
};
using RangeSet = std::vector<RangeSpec>;

/// A Range value in bytes, in the order asked for: 1 to `maximum_ranges` specs. Nothing when the
/// field is to be ignored: another unit, broken grammar, a last position before the first, or too
/// many ranges.
[[nodiscard]] std::optional<RangeSet> parse_ranges(std::string_view value);

/// Positions of the first and the last byte, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  [[nodiscard]] std::uint64_t size() const { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};
using ByteRanges = std::vector<ByteRange>;

/// The whole content is the better answer: ranges overlap, so that more would be sent than there is
/// (RFC 9110 14.2, 17.15), or the suffix of something empty is asked for, which no range can name.
struct IgnoreRanges {
  bool operator==(const IgnoreRanges&) const = default;
};
/// None of the ranges lies in the content (RFC 9110 15.5.17).
struct Unsatisfiable {
  bool operator==(const Unsatisfiable&) const = default;
};
using ResolvedRanges = std::variant<ByteRanges, IgnoreRanges, Unsatisfiable>;

/// Those of `set` that lie in a content of `length` bytes, cut at its end, in the order asked for;
/// never empty.
[[nodiscard]] ResolvedRanges resolve_ranges(const RangeSet& set, std::uint64_t length);

}  // namespace larder::http
