#include "policy/forwarding.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "policy/compression.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

constexpr std::string_view forwarded_prefix = "x-forwarded-";

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         http::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  // Grown once: four appends cost a head of ten lines a thousand instructions more.
  const std::size_t begin = out.size();
  out.resize(begin + name.size() + value.size() + 4);
  char* at = std::copy(name.begin(), name.end(), out.data() + begin);
  *at++ = ':';
  *at++ = ' ';
  at = std::copy(value.begin(), value.end(), at);
  *at++ = '\r';
  *at = '\n';
}

/// The values of all lines of that name, ready for one more: "a, b, ".
void append_before(std::string& out, const http::Fields& fields, FieldName id) {
  for (const http::FieldLine& line : fields) {
    if (line.id == id && !line.value.empty()) out.append(line.value).append(", ");
  }
}

void append_number_line(std::string& out, std::string_view name, std::uint64_t number) {
  char room[24];
  const auto [end, error] = std::to_chars(room, room + sizeof room, number);
  append_line(out, name, {room, static_cast<std::size_t>(end - room)});
}

// RFC 7239 4: an IPv6 address is quoted and bracketed; an unknown client is "unknown".
void append_forwarded_element(std::string& out, std::string_view peer, std::string_view host,
                              std::string_view proto) {
  out += "for=";
  if (peer.empty()) {
    out += "unknown";
  } else if (peer.find(':') != std::string_view::npos) {
    out.append("\"[").append(peer).append("]\"");
  } else {
    out += peer;
  }
  out.append(";host=\"")
      .append(host)
      .append("\";proto=")
      .append(http::is_token(proto) ? proto : "http");
}

// X-Forwarded-For, -Host and -Proto, Forwarded and Via: ours to write on every request.
void append_proxy_fields(const http::RequestHead& head, const ForwardedFacts& facts,
                         std::string& out) {
  if (!facts.peer.empty()) {
    out += "X-Forwarded-For: ";
    if (facts.trusted) append_before(out, head.fields, FieldName::x_forwarded_for);
    out.append(facts.peer).append("\r\n");
  } else if (facts.trusted) {
    // A peer on a Unix socket has no address to tell.
    const auto before = head.fields.combined(FieldName::x_forwarded_for);
    if (before && !before->empty()) append_line(out, "X-Forwarded-For", *before);
  }
  append_line(out, "X-Forwarded-Proto", facts.proto);
  append_line(out, "X-Forwarded-Host", facts.host);
  if (facts.trusted) {
    if (head.fields.has(FieldName::forwarded)) {
      out += "Forwarded: ";
      append_before(out, head.fields, FieldName::forwarded);
      append_forwarded_element(out, facts.peer, head.host, facts.proto);
      out += "\r\n";
    }
  }
  out += "Via: ";
  append_before(out, head.fields, FieldName::via);
  out += head.version == http::Version::http_1_0 ? "1.0 larder\r\n" : "1.1 larder\r\n";
  out += facts.request_id_line;
  if (!facts.trace_parent.empty()) append_line(out, "traceparent", facts.trace_parent);
}

/// Is it made of what addresses are made of, a port included? Not a check that it is one.
bool looks_like_address(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF.:[]") == text.npos;
}

// The same for a fill, whose answer is everybody's: of what hops before have said, only what the
// key knows, and addresses, which an origin may count requests by. Any other text could be
// somebody's own.
void append_fill_proxy_fields(const http::RequestHead& head, const ForwardedFacts& facts,
                              std::string& out) {
  out += "X-Forwarded-For: ";
  const auto before = head.fields.combined(FieldName::x_forwarded_for);
  std::string_view rest = facts.trusted && before ? std::string_view(*before) : std::string_view();
  std::string_view separator;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view member = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (member.starts_with(' ') || member.starts_with('\t')) member.remove_prefix(1);
    while (member.ends_with(' ') || member.ends_with('\t')) member.remove_suffix(1);
    if (!looks_like_address(member)) continue;
    out.append(separator).append(member);
    separator = ", ";
  }
  if (!facts.peer.empty()) out.append(separator).append(facts.peer);
  out += "\r\n";
  append_line(out, "X-Forwarded-Proto", facts.proto);
  append_line(out, "X-Forwarded-Host", facts.host);
  append_line(out, "Via", "1.1 larder");
  out += facts.request_id_line;
}

// What append_proxy_fields writes itself, and what of it an untrusted hop may not say.
bool is_proxy_field(const http::FieldLine& line, const ForwardedFacts& facts) {
  switch (line.id) {
    case FieldName::x_request_id:
      return !facts.request_id_line.empty();
    case FieldName::traceparent:
      return !facts.trace_parent.empty();
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_proto:
    case FieldName::forwarded:
    case FieldName::via:
      return true;
    default:
      break;
  }
  if (facts.trusted || line.id != FieldName::unknown) return false;
  return starts_with_ignoring_case(line.name, forwarded_prefix) ||
         http::equals_ignoring_case(line.name, "x-real-ip");
}

}  // namespace

ForwardedFacts decide_forwarded(const http::RequestHead& head, std::string_view peer, bool trusted,
                                std::string_view scheme) {
  ForwardedFacts facts{.peer = peer, .trusted = trusted, .proto = scheme, .host = head.host};
  if (trusted) {
    if (const auto proto = head.fields.first(FieldName::x_forwarded_proto);
        proto && !proto->empty())
      facts.proto = *proto;
    if (const auto host = head.fields.first(FieldName::x_forwarded_host); host && !host->empty())
      facts.host = *host;
  }
  return facts;
}

bool is_other_forwarded(std::string_view name) {
  return starts_with_ignoring_case(name, forwarded_prefix);
}

bool may_pose_as_another(std::string_view name) {
  return name.find('_') != std::string_view::npos;
}

void append_forward_head(const http::RequestHead& head, const ForwardedFacts& facts,
                         const ForwardedFraming& framing, std::string& out) {
  out += head.method_text;
  out += ' ';
  out += head.path;
  if (head.query) {
    out += '?';
    out += *head.query;
  }
  out += " HTTP/1.1\r\n";
  append_line(out, "Host", head.host);
  for (const http::FieldLine& line : head.fields) {
    if (line.id == FieldName::host || line.id == FieldName::content_length ||
        line.id == FieldName::expect)
      continue;
    if (is_proxy_field(line, facts) || may_pose_as_another(line.name)) continue;
    if (http::is_hop_by_hop(line, head.fields)) continue;
    if (line.id == FieldName::if_match && !http::is_safe(head.method, head.method_text)) {
      // It guards the state of the resource, whichever representation's tag the client has.
      const std::optional<std::string> known = make_origin_entity_tags(line.value);
      append_line(out, line.name, known ? std::string_view(*known) : line.value);
      continue;
    }
    append_line(out, line.name, line.value);
  }
  append_proxy_fields(head, facts, out);
  if (framing.upgrade) {
    if (const auto upgrade = head.fields.combined(FieldName::upgrade)) {
      append_line(out, "Upgrade", *upgrade);
      append_line(out, "Connection", "Upgrade");
    }
  }
  switch (framing.body.kind) {
    case http::BodyFraming::Kind::none:
      break;
    case http::BodyFraming::Kind::length:
      append_number_line(out, "Content-Length", framing.body.length);
      break;
    case http::BodyFraming::Kind::chunked:
    case http::BodyFraming::Kind::until_close:
      append_line(out, "Transfer-Encoding", "chunked");
      break;
  }
  if (framing.expect_continue) append_line(out, "Expect", "100-continue");
  out += "\r\n";
}

void append_fill_head(const http::RequestHead& head, const ForwardedFacts& facts,
                      std::string_view target, const std::vector<KeyedField>& keyed,
                      std::string_view cookie, std::string& out) {
  // The key knows hosts in lower case, and absolute URLs in the answer are made from what is sent.
  std::string host(head.host);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  ForwardedFacts lowered = facts;
  if (facts.host == head.host) lowered.host = host;
  out.reserve(out.size() + target.size() + 3 * host.size() + 384);
  out.append("GET ").append(target).append(" HTTP/1.1\r\n");
  append_line(out, "Host", host);
  for (const KeyedField& field : keyed) {
    if (field.value) append_line(out, field.name, field.sent.empty() ? *field.value : field.sent);
  }
  // Without the field any coding would do (RFC 9110 12.5.3); what is stored is coded here.
  const bool asks_for_codings =
      std::any_of(keyed.begin(), keyed.end(),
                  [](const KeyedField& field) { return field.name == "accept-encoding"; });
  if (!asks_for_codings) append_line(out, "Accept-Encoding", "identity");
  if (!cookie.empty()) append_line(out, "Cookie", cookie);
  append_fill_proxy_fields(head, lowered, out);
  append_line(out, "User-Agent", "larder");
  out += "\r\n";
}

bool may_matter(const http::FieldLine& line) {
  switch (line.id) {
    case FieldName::accept_encoding:
    case FieldName::cache_control:
    case FieldName::connection:
    case FieldName::content_length:
    case FieldName::forwarded:
    case FieldName::host:
    case FieldName::if_match:
    case FieldName::if_modified_since:
    case FieldName::if_none_match:
    case FieldName::if_range:
    case FieldName::if_unmodified_since:
    case FieldName::keep_alive:
    case FieldName::pragma:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::traceparent:
    case FieldName::user_agent:
    case FieldName::via:
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_proto:
    case FieldName::x_request_id:
      return false;
    default:
      break;
  }
  if (may_pose_as_another(line.name)) return false;
  static constexpr std::array<std::string_view, 13> about_the_client{"referer",
                                                                     "dnt",
                                                                     "upgrade-insecure-requests",
                                                                     "priority",
                                                                     "tracestate",
                                                                     "save-data",
                                                                     "x-real-ip",
                                                                     "sentry-trace",
                                                                     "baggage",
                                                                     "b3",
                                                                     "x-amzn-trace-id",
                                                                     "cf-ray",
                                                                     "larder-explain"};
  if (starts_with_ignoring_case(line.name, "sec-")) return false;
  return std::none_of(about_the_client.begin(), about_the_client.end(), [&](std::string_view name) {
    return http::equals_ignoring_case(line.name, name);
  });
}

void append_end_to_end(const http::ResponseHead& head, bool for_store,
                       const std::vector<std::string>& left_out, std::string& out) {
  for (const http::FieldLine& line : head.fields) {
    if (line.id == FieldName::content_length || line.id == FieldName::x_cache_status ||
        (for_store && (line.id == FieldName::age || line.id == FieldName::x_request_id)))
      continue;
    if (http::is_hop_by_hop(line, head.fields)) continue;
    if (std::any_of(left_out.begin(), left_out.end(), [&](const std::string& name) {
          return http::equals_ignoring_case(name, line.name);
        }))
      continue;
    append_line(out, line.name, line.value);
  }
}

void append_end_to_end(const http::ResponseHead& head, bool for_store, std::string& out) {
  append_end_to_end(head, for_store, {}, out);
}

void append_trailers(std::string_view section, const http::Fields& request, std::string& out) {
  const auto te = request.combined(FieldName::te);
  if (section.empty() || !te || !http::has_token(*te, "trailers")) return;
  while (!section.empty()) {
    const std::size_t end = std::min(section.find("\r\n"), section.size());
    const std::string_view line = section.substr(0, end);
    section.remove_prefix(std::min(end + 2, section.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    // Every name Larder knows steers something; the rest is the application's own.
    if (http::parse_field_name(name) != FieldName::unknown || may_pose_as_another(name)) continue;
    out.append(line).append("\r\n");
  }
}

}  // namespace larder::policy
