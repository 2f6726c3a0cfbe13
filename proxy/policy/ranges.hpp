// Ranges: is a stored 200 to be sent in part, and how parts are written (RFC 9110 14, 15.3.7).
//
// Asked after the preconditions have come out at sending it (RFC 9110 13.2.2 step 5). Which bytes a
// Range value means: http/range.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "http/range.hpp"
#include "policy/preconditions.hpp"

namespace larder::policy {

/// 200 with all of the content.
struct WholeContent {
  enum class Reason : std::uint8_t {
    not_asked,         ///< no Range
    method,            ///< Range means something for GET only
    if_range_differs,  ///< the client has parts of another representation
    ignored,           ///< another unit, malformed, too many or overlapping ranges
  };
  Reason reason = Reason::not_asked;
  bool operator==(const WholeContent&) const = default;
};
/// 206 with Content-Range.
struct OneRange {
  http::ByteRange range;
  bool operator==(const OneRange&) const = default;
};
/// 206 as multipart/byteranges: two or more, in the order asked for.
struct SeveralRanges {
  http::ByteRanges ranges;
  bool operator==(const SeveralRanges&) const = default;
};
/// 416 with Content-Range "bytes */length" (format_unsatisfied_range).
struct NoSuchRange {
  bool operator==(const NoSuchRange&) const = default;
};
using RangeDecision = std::variant<WholeContent, OneRange, SeveralRanges, NoSuchRange>;

/// `length`: bytes of the content as it would be sent to this client, so of its content coding.
/// `now` is needed for dates with two-digit years only.
[[nodiscard]] RangeDecision decide_range(const http::RequestHead& head, const Validators& stored,
                                         std::uint64_t length, SystemSeconds now);

/// "bytes 0-499/10000"
[[nodiscard]] std::string format_content_range(const http::ByteRange& range, std::uint64_t length);
/// "bytes */10000"
[[nodiscard]] std::string format_unsatisfied_range(std::uint64_t length);

/// Appends the lines of a stored head that go into a 206 with one range: all but Content-Range and
/// digests of the content, which is another now. Content-Range and Content-Length are the caller's.
void append_partial_fields(std::string_view head, std::string& out);

/// multipart/byteranges: before the bytes of ranges[i] comes part_heads[i], behind the last `end`.
struct Multipart {
  std::vector<std::string> part_heads;
  std::string end;
  std::uint64_t length = 0;  ///< Content-Length: heads, ranges and end
};
/// `boundary`: 1 to 70 characters of RFC 2046 5.1.1 that occur in none of the ranges; 128 random
/// bits in hexadecimal will do. `content_type`: of the stored response; empty: it has none.
[[nodiscard]] Multipart make_multipart(const http::ByteRanges& ranges, std::uint64_t length,
                                       std::string_view content_type, std::string_view boundary);
/// Appends what goes into the head of such a 206: as append_partial_fields, with the Content-Type
/// replaced by "multipart/byteranges; boundary=...".
void append_multipart_fields(std::string_view head, std::string_view boundary, std::string& out);
/// The stored Content-Type; empty when there is none.
[[nodiscard]] std::string_view read_content_type(std::string_view head);

}  // namespace larder::policy
