#include "http/response_head.hpp"

#include "http/field_section.hpp"
#include "http/grammar.hpp"

namespace larder::http {
namespace {

using grammar::is;

/// RFC 9112 4. Reads up to and with the line's CRLF; `at` is then behind it.
HeadError parse_status_line(const char*& at, const char* end, ResponseHead& head) {
  const char* p = at;
  const auto malformed = [&] { return error_at(p, end, HeadError::malformed_status_line); };
  constexpr std::string_view shape = "HTTP/d.d ddd";
  for (const char wanted : shape) {
    if (p == end) return HeadError::malformed_status_line;
    if (wanted == 'd' ? !is(*p, grammar::digit) : *p != wanted) return malformed();
    ++p;
  }
  const char* const line = at;
  if (line[5] != '1' || line[7] > '1') return HeadError::unsupported_version;
  head.version = line[7] == '1' ? Version::http_1_1 : Version::http_1_0;
  const auto digit = [&](int i) { return line[i] - '0'; };
  head.status = static_cast<std::uint16_t>(digit(9) * 100 + digit(10) * 10 + digit(11));

  // Deviation: the space before an absent reason may be absent too; several origins leave it out.
  head.reason = {};
  if (p != end && *p == ' ') {
    const char* const reason = ++p;
    p = grammar::skip_value_bytes(p, end);
    head.reason = {reason, static_cast<std::size_t>(p - reason)};
  }
  if (end - p < 2 || p[0] != '\r' || p[1] != '\n') return malformed();
  if (head.status < 100 || head.status > 599) return HeadError::status_out_of_range;
  at = p + 2;
  return HeadError::none;
}

}  // namespace

HeadError parse_response_head(std::string_view bytes, const HeadLimits& limits,
                              Method request_method, ResponseHead& head) {
  if (bytes.size() > limits.head_bytes) return HeadError::head_too_large;
  if (bytes.size() < 16 || bytes.back() != '\n') return HeadError::malformed_status_line;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  head.fields.clear();
  if (const HeadError error = parse_status_line(at, end, head); error != HeadError::none)
    return error;
  SectionFacts facts;
  if (const HeadError error = parse_field_section(at, end, limits.fields, head.fields, facts);
      error != HeadError::none)
    return error;
  // Also where there is no content: an origin in doubt about framing is in doubt about the next
  // answer.
  if (const HeadError error = decide_framing(facts, head.version, head.framing);
      error != HeadError::none)
    return error;
  head.keep_alive = wishes_keep_alive(facts, head.version);
  head.size = static_cast<std::size_t>(at - bytes.data());

  // RFC 9112 6.3, 1.
  const bool interim = head.status < 200;
  if (interim || head.status == 204) {
    // RFC 9110 8.6 and RFC 9112 6.1 forbid announcing content here. What an origin that does it
    // sends next cannot be known.
    if (head.framing.kind == BodyFraming::Kind::chunked || head.framing.length != 0)
      head.keep_alive = false;
    head.framing = {};
  } else if (request_method == Method::head || head.status == 304) {
    head.framing = {};
  } else if (head.framing.kind == BodyFraming::Kind::none) {
    head.framing.kind = BodyFraming::Kind::until_close;
    head.keep_alive = false;
  }
  return HeadError::none;
}

}  // namespace larder::http
