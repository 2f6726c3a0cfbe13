#include "http/field_section.hpp"

#include "http/field_name_table.hpp"
#include "http/grammar.hpp"

namespace larder::http {
namespace {

using grammar::is;

void note(std::uint8_t& lines, std::string_view& first, std::string_view value) {
  if (lines == 0) first = value;
  if (lines < 2) ++lines;
}

void note_connection(SectionFacts& facts, std::string_view value) {
  if (grammar::equals_lower(value, "keep-alive")) {
    facts.keep_alive = true;
    return;
  }
  facts.close = facts.close || has_token(value, "close");
  facts.keep_alive = facts.keep_alive || has_token(value, "keep-alive");
}

void note_expectation(SectionFacts& facts, std::string_view value) {
  if (equals_ignoring_case(value, "100-continue"))
    facts.expects_continue = true;
  else
    facts.expects_unknown = true;
}

/// Before an LF somewhere: a CR is never the last byte.
bool is_crlf(const char* at) {
  return at[0] == '\r' && at[1] == '\n';
}

/// What may be whitespace, in one comparison.
bool is_space_or_control(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

/// Why no field line begins at `line`, when its first byte that is no token character is at `at`.
HeadError name_error(const char* line, const char* at, const char* end) {
  if (at == end || !grammar::is_whitespace(*at))
    return error_at(at, end, HeadError::malformed_field_name);
  if (at == line) return HeadError::obsolete_line_folding;
  while (at != end && grammar::is_whitespace(*at)) ++at;
  return at != end && *at == ':' ? HeadError::whitespace_before_colon
                                 : HeadError::malformed_field_name;
}

}  // namespace

HeadError error_at(const char* at, const char* end, HeadError otherwise) {
  if (at == end) return otherwise;
  if (*at == '\0') return HeadError::forbidden_byte;
  if (*at == '\n') return HeadError::bare_line_feed;
  if (*at == '\r' && (end - at < 2 || at[1] != '\n')) return HeadError::bare_carriage_return;
  return otherwise;
}

HeadError parse_field_section(const char*& at, const char* end, std::size_t field_limit,
                              Fields& fields, SectionFacts& facts) {
  const char* p = at;
  // The last byte is LF, where every loop below stops: only the start of a line can be the end.
  while (p != end) {
    const char* const line = p;
    p = grammar::find_first<grammar::NoLetterOrHyphen>(p, end);
    if (*p != ':') {
      while (is(*p, grammar::token)) ++p;
    }
    if (*p != ':' || p == line) {
      if (p != line || !is_crlf(p)) return name_error(line, p, end);
      at = p + 2;
      return HeadError::none;
    }
    const std::string_view name(line, static_cast<std::size_t>(p - line));
    ++p;
    if (*p == ' ') ++p;  // in nearly every line
    if (is_space_or_control(*p)) {
      while (grammar::is_whitespace(*p)) ++p;
    }
    const char* const value_start = p;
    p = grammar::find_first<grammar::NoValueByteOrTab>(p, end);
    while (!is_crlf(p)) {
      if (*p != '\t') return error_at(p, end, HeadError::malformed_field_value);
      p = grammar::find_first<grammar::NoValueByteOrTab>(p + 1, end);
    }
    const char* value_end = p;
    if (is_space_or_control(p[-1])) {
      while (value_end != value_start && grammar::is_whitespace(value_end[-1])) --value_end;
    }
    const std::string_view value(value_start, static_cast<std::size_t>(value_end - value_start));
    p += 2;

    if (fields.size() == field_limit) return HeadError::too_many_fields;
    const FieldName id = recognise_token(name);
    fields.add({id, name, value});
    switch (id) {
      case FieldName::host:
        note(facts.host_lines, facts.host, value);
        break;
      case FieldName::content_length:
        note(facts.length_lines, facts.length, value);
        break;
      case FieldName::transfer_encoding:
        note(facts.coding_lines, facts.coding, value);
        break;
      case FieldName::connection:
        note_connection(facts, value);
        break;
      case FieldName::expect:
        note_expectation(facts, value);
        break;
      default:
        break;  // no other field says anything about the message's frame
    }
  }
  return HeadError::malformed_field_name;
}

HeadError check_field_line(std::string_view line) {
  const char* const end = line.data() + line.size();
  const char* p = line.data();
  while (p != end && is(*p, grammar::token)) ++p;
  if (p == end || *p != ':' || p == line.data()) return name_error(line.data(), p, end);
  p = grammar::skip_value_bytes(p + 1, end);
  return p == end ? HeadError::none : error_at(p, end, HeadError::malformed_field_value);
}

HeadError decide_framing(const SectionFacts& facts, Version version, BodyFraming& framing) {
  framing = {};
  if (facts.coding_lines != 0) {
    // RFC 9112 6.1: a message with both lengths "ought to be handled as an error";
    // Transfer-Encoding in HTTP/1.0 has faulty framing by definition.
    if (facts.length_lines != 0) return HeadError::length_with_transfer_encoding;
    if (version == Version::http_1_0) return HeadError::transfer_encoding_in_http_1_0;
    if (facts.coding_lines > 1) return HeadError::repeated_transfer_encoding;
    if (!equals_ignoring_case(facts.coding, "chunked")) return HeadError::unknown_transfer_encoding;
    framing.kind = BodyFraming::Kind::chunked;
    return HeadError::none;
  }
  if (facts.length_lines == 0) return HeadError::none;
  if (facts.length_lines > 1) return HeadError::conflicting_content_length;
  if (facts.length.empty() || !grammar::is_all(facts.length, grammar::digit))
    return HeadError::malformed_content_length;
  constexpr std::uint64_t largest = 0x7fff'ffff'ffff'ffff;
  std::uint64_t length = 0;
  for (const char c : facts.length) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (largest - digit) / 10) return HeadError::content_length_too_large;
    length = length * 10 + digit;
  }
  framing.kind = BodyFraming::Kind::length;
  framing.length = length;
  return HeadError::none;
}

}  // namespace larder::http
