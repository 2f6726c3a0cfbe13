#include "policy/ranges.hpp"

#include <utility>

#include "http/date.hpp"
#include "http/entity_tag.hpp"
#include "policy/stored_lines.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// RFC 9110 8.8.2.2: a Last-Modified is strong when the Date of the stored response is at least one
/// second later. Then what the origin sent later within that second would have another date.
bool is_strong(SystemSeconds last_modified, SystemSeconds date) {
  return date - last_modified >= std::chrono::seconds{1};
}

/// RFC 9110 13.1.5: does If-Range, where it is there, name the stored representation?
bool is_same_representation(const http::Fields& fields, const Validators& stored,
                            SystemSeconds now) {
  if (!fields.has(FieldName::if_range)) return true;
  if (fields.count(FieldName::if_range) != 1) return false;
  const std::string_view value = *fields.first(FieldName::if_range);
  if (const auto date = http::parse_date(value, now)) {
    const auto last_modified = http::parse_date(stored.last_modified, now);
    return last_modified && *date == *last_modified && is_strong(*last_modified, stored.date);
  }
  const auto named = http::parse_entity_tag(value);
  const auto own = http::parse_entity_tag(stored.etag);
  return named && own && http::is_strong_match(*named, *own);
}

/// Of the content of the message (RFC 9530 2, and before it RFC 2616 14.15), so no longer right.
bool is_of_whole_content(const StoredLine& line) {
  return line.id == FieldName::content_range ||
         http::equals_ignoring_case(line.name, "content-digest") ||
         http::equals_ignoring_case(line.name, "content-md5");
}

}  // namespace

RangeDecision decide_range(const http::RequestHead& head, const Validators& stored,
                           std::uint64_t length, SystemSeconds now) {
  using Reason = WholeContent::Reason;
  // RFC 9110 13.1.5: If-Range is ignored where there is no Range.
  if (!head.fields.has(FieldName::range)) return WholeContent{Reason::not_asked};
  // RFC 9110 14.2: for any method but GET, Range must be ignored.
  if (head.method != http::Method::get) return WholeContent{Reason::method};
  if (head.fields.count(FieldName::range) != 1) return WholeContent{Reason::ignored};
  const auto set = http::parse_ranges(*head.fields.first(FieldName::range));
  if (!set) return WholeContent{Reason::ignored};
  if (!is_same_representation(head.fields, stored, now))
    return WholeContent{Reason::if_range_differs};

  http::ResolvedRanges resolved = http::resolve_ranges(*set, length);
  if (std::holds_alternative<http::Unsatisfiable>(resolved)) return NoSuchRange{};
  if (std::holds_alternative<http::IgnoreRanges>(resolved)) return WholeContent{Reason::ignored};
  auto& ranges = std::get<http::ByteRanges>(resolved);
  // RFC 9110 15.3.7.2: what is one range in the end needs no multipart.
  if (ranges.size() == 1) return OneRange{ranges.front()};
  return SeveralRanges{std::move(ranges)};
}

std::string format_content_range(const http::ByteRange& range, std::uint64_t length) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
         std::to_string(length);
}

std::string format_unsatisfied_range(std::uint64_t length) {
  return "bytes */" + std::to_string(length);
}

void append_partial_fields(std::string_view head, std::string& out) {
  for_each_line(head, [&](const StoredLine& line) {
    if (!is_of_whole_content(line)) out.append(line.text);
  });
}

Multipart make_multipart(const http::ByteRanges& ranges, std::uint64_t length,
                         std::string_view content_type, std::string_view boundary) {
  Multipart multipart;
  multipart.part_heads.reserve(ranges.size());
  for (const http::ByteRange& range : ranges) {
    // The CRLF in front belongs to the delimiter (RFC 2046 5.1.1); before the first it may be left
    // out.
    std::string& part = multipart.part_heads.emplace_back();
    if (multipart.part_heads.size() > 1) part.append("\r\n");
    part.append("--").append(boundary).append("\r\n");
    if (!content_type.empty()) part.append("Content-Type: ").append(content_type).append("\r\n");
    part.append("Content-Range: ").append(format_content_range(range, length));
    part.append("\r\n\r\n");
    multipart.length += part.size() + range.size();
  }
  multipart.end.append("\r\n--").append(boundary).append("--\r\n");
  multipart.length += multipart.end.size();
  return multipart;
}

void append_multipart_fields(std::string_view head, std::string_view boundary, std::string& out) {
  for_each_line(head, [&](const StoredLine& line) {
    if (!is_of_whole_content(line) && line.id != FieldName::content_type) out.append(line.text);
  });
  out.append("Content-Type: multipart/byteranges; boundary=").append(boundary).append("\r\n");
}

std::string_view read_content_type(std::string_view head) {
  std::string_view content_type;
  for_each_line(head, [&](const StoredLine& line) {
    if (line.id == FieldName::content_type && content_type.empty()) content_type = line.value;
  });
  return content_type;
}

}  // namespace larder::policy
