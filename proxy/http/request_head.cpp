#include "http/request_head.hpp"

#include <algorithm>
#include <cstring>

#include "http/field_section.hpp"
#include "http/grammar.hpp"
#include "http/section_memory.hpp"

namespace larder::http {
namespace {

using grammar::is;

std::string_view between(const char* from, const char* to) {
  return {from, static_cast<std::size_t>(to - from)};
}

/// What comes before 16 bytes have arrived is looked at by the byte.
const char* find_line_feed(const char* at, const char* end, const char* start) {
  return end - start >= 16 ? grammar::find_first<grammar::LineFeed>(at, end)
                           : std::find(at, end, '\n');
}

/// Method names are compared with their case (RFC 9110 9.1).
Method parse_method(std::string_view text) {
  switch (text.size()) {
    case 3:
      return text == "GET" ? Method::get : text == "PUT" ? Method::put : Method::other;
    case 4:
      return text == "HEAD" ? Method::head : text == "POST" ? Method::post : Method::other;
    case 5:
      return text == "PATCH" ? Method::patch : text == "TRACE" ? Method::trace : Method::other;
    case 6:
      return text == "DELETE" ? Method::del : Method::other;
    case 7:
      return text == "OPTIONS"   ? Method::options
             : text == "CONNECT" ? Method::connect
                                 : Method::other;
    default:
      return Method::other;
  }
}

bool is_ipv4(std::string_view text) {
  for (int octet = 0; octet < 4; ++octet) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && is(text[digits], grammar::digit)) {
      value = value * 10 + static_cast<unsigned>(text[digits] - '0');
      if (++digits > 3) return false;
    }
    if (digits == 0 || value > 255 || (digits > 1 && text[0] == '0')) return false;
    text.remove_prefix(digits);
    if (octet == 3) return text.empty();
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

/// RFC 3986 3.2.2, without the brackets. Zones and IPvFuture are refused: nobody asks a sidecar so.
bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.substr(0, 2) == "::") {
    gap = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && is(text[digits], grammar::hex_digit)) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      groups += 2;
      if (!is_ipv4(text)) return false;
      break;
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text.substr(0, 2) == "::") {
      if (gap) return false;
      gap = true;
      text.remove_prefix(2);
      continue;
    }
    if (text[0] != ':' || text.size() == 1) return false;
    text.remove_prefix(1);
  }
  return gap ? groups <= 7 : groups == 8;
}

/// An authority cut in two.
struct Authority {
  std::string_view host;  ///< empty while nothing has been parsed
  std::string_view port;
};

/// RFC 3986 3.2 without user information, which RFC 9110 4.2.4 has refused. False when it is none
/// that Host may name (RFC 9110 7.2): the host must not be empty.
bool parse_authority(std::string_view text, Authority& authority) {
  const char* const start = text.data();
  const char* const end = start + text.size();
  const char* p = start;
  while (p != end && is(*p, grammar::reg_name)) ++p;
  while (end - p >= 3 && *p == '%' && is(p[1], grammar::hex_digit) &&
         is(p[2], grammar::hex_digit)) {
    p += 3;
    while (p != end && is(*p, grammar::reg_name)) ++p;
  }
  if (p == start) {
    if (p == end || *p != '[') return false;
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    p += close + 1;
  }
  authority = {between(start, p), {}};
  if (p == end) return true;
  if (*p != ':') return false;
  // RFC 3986 3.2.3 allows a port without digits; one beyond 65535 names nothing.
  const char* const port_start = ++p;
  if (end - p > 5) return false;
  unsigned port = 0;
  for (; p != end; ++p) {
    const auto digit = static_cast<unsigned>(*p - '0');
    if (digit > 9) return false;
    port = port * 10 + digit;
  }
  authority.port = between(port_start, end);
  return port <= 65535;
}

/// Do two valid authorities name the same host and port under a scheme? An absent port, an empty
/// one and the scheme's own are one (RFC 3986 6.2.3).
bool is_same_authority(const Authority& a, const Authority& b, std::string_view own_port) {
  const auto port = [&](const Authority& of) { return of.port.empty() ? own_port : of.port; };
  return equals_ignoring_case(a.host, b.host) && port(a) == port(b);
}

/// What an absolute-form target adds to the head.
struct AbsoluteTarget {
  Authority authority;
  std::string_view own_port;
};

/// RFC 9112 3.2.2. Sets form, host, path and query of `head`.
HeadError parse_absolute_form(std::string_view target, RequestHead& head,
                              AbsoluteTarget& absolute) {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos || colon == 0) return HeadError::malformed_target;
  const std::string_view scheme = target.substr(0, colon);
  for (const char c : scheme) {
    // Of tokens only the characters of a scheme (RFC 3986 3.1).
    if (!is(c, grammar::unreserved) && c != '+') return HeadError::malformed_target;
  }
  if (equals_ignoring_case(scheme, "http"))
    absolute.own_port = "80";
  else if (equals_ignoring_case(scheme, "https"))
    absolute.own_port = "443";
  else
    return HeadError::unsupported_scheme;

  target.remove_prefix(colon + 3);
  const std::size_t authority_end = std::min(target.find_first_of("/?"), target.size());
  head.host = target.substr(0, authority_end);
  if (!parse_authority(head.host, absolute.authority)) return HeadError::malformed_host;
  target.remove_prefix(authority_end);

  const std::size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = target.substr(mark + 1);
  head.form = TargetForm::absolute;
  if (head.path.empty()) {
    if (head.method == Method::options && !head.query) {
      head.form = TargetForm::asterisk;
      head.path = "*";
    } else {
      head.path = "/";
    }
  }
  return HeadError::none;
}

HeadError parse_target(std::string_view target, RequestHead& head, AbsoluteTarget& absolute) {
  if (target[0] == '/') {
    head.form = TargetForm::origin;
    if (const void* const mark = std::memchr(target.data(), '?', target.size())) {
      const auto path_size =
          static_cast<std::size_t>(static_cast<const char*>(mark) - target.data());
      head.path = target.substr(0, path_size);
      head.query = target.substr(path_size + 1);
    } else {
      head.path = target;
    }
    return HeadError::none;
  }
  if (target == "*") {
    if (head.method != Method::options) return HeadError::malformed_target;
    head.form = TargetForm::asterisk;
    head.path = target;
    return HeadError::none;
  }
  return parse_absolute_form(target, head, absolute);
}

/// "HTTP/1.1" or "HTTP/1.0"; RFC 9112 2.3.
HeadError parse_version(std::string_view text, Version& version) {
  if (text == "HTTP/1.1") {
    version = Version::http_1_1;
    return HeadError::none;
  }
  if (text == "HTTP/1.0") {
    version = Version::http_1_0;
    return HeadError::none;
  }
  const bool valid = text.size() == 8 && text.substr(0, 5) == "HTTP/" &&
                     is(text[5], grammar::digit) && text[6] == '.' && is(text[7], grammar::digit);
  return valid ? HeadError::unsupported_version : HeadError::malformed_version;
}

/// Reads up to and with the line's CRLF; `at` is then behind it. RFC 9112 3.
HeadError parse_request_line(const char*& at, const char* end, const HeadLimits& limits,
                             RequestHead& head, AbsoluteTarget& absolute) {
  const char* p = at;
  const char* const method_start = p;
  while (is(*p, grammar::token)) ++p;
  if (*p != ' ' || p == method_start) {
    const bool ended = *p == '\r' && p != method_start;
    return error_at(p, end,
                    ended ? HeadError::malformed_request_line : HeadError::malformed_method);
  }
  head.method_text = between(method_start, p);
  head.method = parse_method(head.method_text);

  const char* const target_start = ++p;
  p = grammar::find_first<grammar::NoTargetByte>(p, end);
  const std::string_view target = between(target_start, p);
  if (target.size() > limits.target_bytes) return HeadError::target_too_long;
  if (p == end || *p != ' ') {
    if (p != end && *p == '#') return HeadError::fragment_in_target;
    const bool ended = p == end || *p == '\r';
    return error_at(p, end,
                    ended ? HeadError::malformed_request_line : HeadError::malformed_target);
  }
  if (target.empty()) return HeadError::malformed_request_line;

  const char* const version_start = ++p;
  if (end - p >= 10 && p[8] == '\r' && p[9] == '\n') {
    if (const HeadError error = parse_version(between(p, p + 8), head.version);
        error != HeadError::none)
      return error;
    p += 10;
  } else {
    p = grammar::skip_value_bytes(p, end);
    const std::string_view rest = between(version_start, p);
    const bool more_parts = rest.find(' ') != std::string_view::npos && rest.back() != ' ';
    return error_at(p, end,
                    more_parts || rest.empty() ? HeadError::malformed_request_line
                                               : HeadError::malformed_version);
  }
  if (head.method == Method::trace) return HeadError::trace_refused;
  if (head.method == Method::connect) return HeadError::connect_refused;
  if (const HeadError error = parse_target(target, head, absolute); error != HeadError::none)
    return error;
  at = p;
  return HeadError::none;
}

/// RFC 9112 3.2, RFC 9110 7.2: which authority counts, and whether Host may stand as it does.
/// `is_known`: it stood so in a head that was taken.
HeadError decide_host(const SectionFacts& facts, const AbsoluteTarget& absolute, bool is_known,
                      RequestHead& head) {
  if (facts.host_lines > 1) return HeadError::repeated_host;
  if (facts.host_lines == 0)
    return head.version == Version::http_1_1 ? HeadError::missing_host : HeadError::none;
  const bool is_origin_form = absolute.authority.host.empty();
  Authority named;
  if (!(is_known && is_origin_form) && !parse_authority(facts.host, named))
    return HeadError::malformed_host;
  if (is_origin_form)
    head.host = facts.host;
  else if (!is_same_authority(named, absolute.authority, absolute.own_port))
    return HeadError::host_differs_from_target;
  return HeadError::none;
}

/// Does the section that was read last stand here again?
bool stands_at(const SectionMemory& memory, const char* at, const char* end) {
  if (memory.text.empty()) return false;
  const std::size_t size = memory.text.size() - memory.begin;
  return size <= static_cast<std::size_t>(end - at) &&
         std::memcmp(at, memory.text.data() + memory.begin, size) == 0;
}

/// As parse_field_section(), of a copy that is kept. The copy has all of the head from `start` on,
/// since the parser looks at sixteen bytes at once.
HeadError parse_and_remember(const char* start, const char*& at, const char* end,
                             std::size_t field_limit, Fields& fields, SectionMemory& memory) {
  ++memory.number;
  memory.text.assign(start, end);
  memory.begin = static_cast<std::size_t>(at - start);
  memory.facts = {};
  memory.host_is_valid = false;
  const char* const copy = memory.text.data();
  const char* p = copy + memory.begin;
  const HeadError error =
      parse_field_section(p, copy + memory.text.size(), field_limit, fields, memory.facts);
  if (error != HeadError::none) {
    memory.text.clear();
    return error;
  }
  memory.text.resize(static_cast<std::size_t>(p - copy));
  at = start + memory.text.size();
  return HeadError::none;
}

HeadError parse(std::string_view bytes, const HeadLimits& limits, RequestHead& head,
                SectionMemory* memory) {
  if (bytes.size() > limits.head_bytes) return HeadError::head_too_large;
  // Every step below may then look one byte ahead without asking where the end is, and sixteen
  // bytes at once. No head is smaller than "M / HTTP/1.0" and two CRLF.
  if (bytes.size() < 16 || bytes.back() != '\n') return HeadError::malformed_request_line;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  // RFC 9112 2.2: empty lines before a request line are to be ignored; some clients send one behind
  // a POST.
  for (int i = 0; i < most_leading_bytes / 2 && end - at >= 2; ++i) {
    if (at[0] != '\r' || at[1] != '\n') break;
    at += 2;
  }
  if (at == end) return HeadError::malformed_request_line;
  head.query.reset();
  head.host = {};

  AbsoluteTarget absolute;
  if (const HeadError error = parse_request_line(at, end, limits, head, absolute);
      error != HeadError::none)
    return error;
  const bool is_known = memory && stands_at(*memory, at, end);
  SectionFacts own_facts;
  const SectionFacts& facts = memory ? memory->facts : own_facts;
  if (is_known) {
    at += memory->text.size() - memory->begin;
  } else {
    head.fields.clear();
    const HeadError error =
        memory ? parse_and_remember(bytes.data(), at, end, limits.fields, head.fields, *memory)
               : parse_field_section(at, end, limits.fields, head.fields, own_facts);
    if (error != HeadError::none) return error;
  }
  head.section = memory ? memory->number : 0;
  const bool host_is_known = is_known && memory->host_is_valid;
  if (const HeadError error = decide_host(facts, absolute, host_is_known, head);
      error != HeadError::none)
    return error;
  if (memory) memory->host_is_valid = true;
  if (const HeadError error = decide_framing(facts, head.version, head.framing);
      error != HeadError::none)
    return error;
  if (facts.expects_unknown) return HeadError::unknown_expectation;
  head.keep_alive = wishes_keep_alive(facts, head.version);
  // RFC 9110 10.1.1: nothing to wait for without content, and HTTP/1.0 knows no 100.
  const bool announces_content =
      head.framing.kind == BodyFraming::Kind::chunked ||
      (head.framing.kind == BodyFraming::Kind::length && head.framing.length != 0);
  head.expects_continue =
      facts.expects_continue && announces_content && head.version == Version::http_1_1;
  head.size = static_cast<std::size_t>(at - bytes.data());
  return HeadError::none;
}

HeadScanner::State read(std::string_view bytes, const HeadLimits& limits, HeadScanner& scanner,
                        RequestHead& head, HeadError& error, SectionMemory* memory) {
  using State = HeadScanner::State;
  error = HeadError::none;
  // What the parser takes here it takes without what lies behind it, too. A refusal says nothing
  // yet: more heads, or content, may lie there.
  if (!scanner.has_begun() && bytes.ends_with("\r\n\r\n") &&
      parse(bytes, limits, head, memory) == HeadError::none)
    return State::complete;
  const State state = scanner.scan(bytes, limits);
  if (state == State::refused) error = scanner.error();
  if (state == State::complete) error = parse(bytes.substr(0, scanner.end()), limits, head, memory);
  return error == HeadError::none ? state : State::refused;
}

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view bytes, const HeadLimits& limits) {
  if (end_ != 0) return State::complete;
  if (error_ != HeadError::none) return State::refused;
  const std::size_t size = std::min(bytes.size(), limits.head_bytes);
  const char* const start = bytes.data();
  const char* const end = start + size;
  const char* line = start + line_start_;
  const char* at = start + scanned_;
  while (at != end) {
    at = find_line_feed(at, end, start);
    if (at == end) break;
    const std::ptrdiff_t line_size = at - line;
    if (line_size == 0 || at[-1] != '\r') return refuse(HeadError::bare_line_feed);
    line = ++at;
    if (line_size > 1) {
      any_line_ = true;
    } else if (any_line_) {
      end_ = static_cast<std::size_t>(at - start);
      return State::complete;
    } else if (at - start > most_leading_bytes) {
      return refuse(HeadError::malformed_request_line);
    }
  }
  line_start_ = static_cast<std::size_t>(line - start);
  scanned_ = size;
  if (bytes.size() < limits.head_bytes) return State::need_more;
  // RFC 9112 3: a target that is too long has a status of its own, and a first line that does not
  // end within the limit can only be that.
  return refuse(any_line_ ? HeadError::head_too_large : HeadError::target_too_long);
}

HeadScanner::State HeadScanner::refuse(HeadError error) {
  error_ = error;
  return State::refused;
}

std::size_t HeadScanner::end() const {
  return end_;
}

HeadError HeadScanner::error() const {
  return error_;
}

void HeadScanner::reset() {
  *this = HeadScanner{};
}

HeadError parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  return parse(bytes, limits, head, nullptr);
}

HeadScanner::State read_request_head(std::string_view bytes, const HeadLimits& limits,
                                     HeadScanner& scanner, RequestHead& head, HeadError& error) {
  return read(bytes, limits, scanner, head, error, nullptr);
}

HeadScanner::State read_request_head(std::string_view bytes, const HeadLimits& limits,
                                     HeadScanner& scanner, RequestHead& head, HeadError& error,
                                     SectionMemory& memory) {
  return read(bytes, limits, scanner, head, error, &memory);
}

}  // namespace larder::http
