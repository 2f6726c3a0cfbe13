#include "policy/validation.hpp"

#include <algorithm>
#include <array>

#include "http/request_head.hpp"
#include "http/response_head.hpp"
#include "policy/forwarding.hpp"
#include "policy/problem.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

constexpr std::string_view own_via = "Via: 1.1 larder\r\n";

/// RFC 9111 3.2: what describes the content a 304 does not have, and what a hit writes anew.
bool stays_as_stored(FieldName name) {
  static constexpr std::array names{FieldName::content_length, FieldName::content_encoding,
                                    FieldName::content_type, FieldName::content_range,
                                    FieldName::transfer_encoding};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_weak(std::string_view etag) {
  return etag.starts_with("W/");
}
std::string_view opaque_tag(std::string_view etag) {
  return is_weak(etag) ? etag.substr(2) : etag;
}

/// RFC 9111 4.3.4: a 304 that names a validator is about what has that one. A strong one names
/// bytes, and what has it as a weak one may have others.
bool is_about(const StoredResponse& stored, const http::Fields& told) {
  if (const auto etag = told.first(FieldName::etag)) {
    if (stored.etag.empty() || (is_weak(stored.etag) && !is_weak(*etag))) return false;
    return opaque_tag(*etag) == opaque_tag(stored.etag);
  }
  if (const auto modified = told.first(FieldName::last_modified))
    return *modified == stored.last_modified;
  return true;
}

/// Appends the stored lines that `told` does not replace.
void append_kept_lines(std::string_view head, const http::ResponseHead& told, bool names_date,
                       std::string& out) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n") + 2);
    head.remove_prefix(line.size());
    if (line == own_via) continue;
    const std::string_view name = line.substr(0, line.find(':'));
    const FieldName id = http::parse_field_name(name);
    const bool is_replaced =
        !stays_as_stored(id) &&
        std::any_of(told.fields.begin(), told.fields.end(), [&](const http::FieldLine& field) {
          return http::equals_ignoring_case(field.name, name);
        });
    // A Date from before the 304 would make it older than it is known to be.
    if (is_replaced || (id == FieldName::date && !names_date)) continue;
    out += line;
  }
}

}  // namespace

bool is_validatable(const StoredResponse& stored) {
  return (!stored.etag.empty() && !stored.has_own_etag) || !stored.last_modified.empty();
}

void append_conditions(const StoredResponse& stored, std::string& out) {
  if (!stored.etag.empty() && !stored.has_own_etag)
    out.append("If-None-Match: ").append(stored.etag.view()).append("\r\n");
  if (!stored.last_modified.empty())
    out.append("If-Modified-Since: ").append(stored.last_modified.view()).append("\r\n");
}

bool may_have_own_etag(const StoredResponse& stored) {
  return stored.status == 200 && stored.etag.empty();
}

void add_own_etag(StoredResponse& stored, std::uint64_t hash) {
  if (!may_have_own_etag(stored)) return;
  static constexpr char hex[] = "0123456789abcdef";
  std::string etag(1, '"');
  for (int shift = 60; shift >= 0; shift -= 4) etag += hex[(hash >> shift) & 15];
  etag += '"';
  stored.has_own_etag = true;
  stored.head = std::string(stored.head).append("ETag: ").append(etag).append("\r\n");
  stored.etag = etag;
}

std::optional<FreshenedHead> freshen(const StoredResponse& stored,
                                     const http::ResponseHead& not_modified) {
  if (!is_about(stored, not_modified.fields)) return std::nullopt;
  std::optional<FreshenedHead> freshened(std::in_place);
  std::string& text = freshened->text;
  text.append("HTTP/1.1 ")
      .append(std::to_string(stored.status))
      .append(" ")
      .append(reason_phrase(stored.status))
      .append("\r\n");
  append_kept_lines(stored.head, not_modified, not_modified.fields.has(FieldName::date), text);
  for (const http::FieldLine& line : not_modified.fields) {
    if (stays_as_stored(line.id) || http::is_hop_by_hop(line, not_modified.fields)) continue;
    text.append(line.name).append(": ").append(line.value).append("\r\n");
  }
  const std::uint64_t length = stored.is_compressed() ? stored.decoded_size : stored.content.size;
  if (stored.status != 204)
    text.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  text += "\r\n";
  const http::HeadLimits limits{
      .head_bytes = text.size() + 1, .fields = 1000, .target_bytes = text.size()};
  if (http::parse_response_head(text, limits, http::Method::get, freshened->head) !=
      http::HeadError::none)
    return std::nullopt;
  return freshened;
}

}  // namespace larder::policy
