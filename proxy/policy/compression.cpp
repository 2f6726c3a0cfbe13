#include "policy/compression.hpp"

#include <algorithm>
#include <array>

#include "http/cache_control.hpp"
#include "http/field_name.hpp"
#include "http/grammar.hpp"
#include "http/message.hpp"
#include "policy/targeted_cache_control.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// Closes the coded representation's entity tag.
constexpr std::string_view tag_ending = "-larder-gzip\"";

/// The field lines of a stored head; views into it.
http::Fields parse_lines(std::string_view head) {
  http::Fields fields;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    fields.add({.id = http::parse_field_name(name),
                .name = name,
                .value = http::grammar::trim(line.substr(colon + 1))});
  }
  return fields;
}

void append_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() > end.size() &&
         http::equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

/// "type/subtype" of a Content-Type.
std::string_view media_type(std::string_view content_type) {
  return http::grammar::trim(content_type.substr(0, content_type.find(';')));
}

bool is_event_stream(std::string_view type) {
  return http::equals_ignoring_case(type, "text/event-stream");
}

/// Is this a type whose content is text, and so worth compressing? Other media are compressed as
/// they are made; fonts, archives and unknown types are left alone.
bool is_text(std::string_view type) {
  static constexpr std::array exact = {
      std::string_view("application/json"),       std::string_view("application/javascript"),
      std::string_view("application/ecmascript"), std::string_view("application/x-javascript"),
      std::string_view("application/xml"),        std::string_view("application/x-ndjson"),
      std::string_view("application/json-seq"),   std::string_view("image/svg+xml"),
  };
  constexpr std::string_view text = "text/";
  if (http::equals_ignoring_case(type.substr(0, text.size()), text)) return true;
  // Structured suffixes (RFC 6839): application/problem+json, application/atom+xml.
  if (ends_with_ignoring_case(type, "+json") || ends_with_ignoring_case(type, "+xml")) return true;
  return std::any_of(exact.begin(), exact.end(), [&](std::string_view known) {
    return http::equals_ignoring_case(type, known);
  });
}

bool is_entity_tag(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
  // RFC 9110 8.8.3: etagc has no white space and no quote.
  return tag.substr(1, tag.size() - 2).find_first_of("\" \t") == std::string_view::npos;
}

bool ends_like_ours(std::string_view tag) {
  return tag.ends_with(tag_ending);
}

/// Into the last Vary line there is, since not every client reads more than one.
void add_vary_by_accept_encoding(std::string& head) {
  std::optional<std::size_t> end_of_vary;
  for (const http::FieldLine& line : parse_lines(head)) {
    if (line.id != FieldName::vary || line.value.empty()) continue;
    if (http::has_token(line.value, "accept-encoding") || http::has_token(line.value, "*")) return;
    end_of_vary = static_cast<std::size_t>(line.value.data() - head.data()) + line.value.size();
  }
  if (end_of_vary)
    head.insert(*end_of_vary, ", Accept-Encoding");
  else
    append_line(head, "Vary", "Accept-Encoding");
}

/// Says something of the representation data as the origin sent it (RFC 1864, RFC 3230, RFC 9530).
bool is_of_decoded_bytes(const http::FieldLine& line) {
  static constexpr std::array names = {std::string_view("content-md5"), std::string_view("digest"),
                                       std::string_view("content-digest"),
                                       std::string_view("repr-digest")};
  return line.id == FieldName::unknown &&
         std::any_of(names.begin(), names.end(), [&](std::string_view name) {
           return http::equals_ignoring_case(line.name, name);
         });
}

}  // namespace

std::string_view describe(UncompressedReason reason) {
  switch (reason) {
    case UncompressedReason::switched_off:
      return "switched off by the rule";
    case UncompressedReason::too_small:
      return "smaller than what is worth it";
    case UncompressedReason::no_transform:
      return "no-transform";
    case UncompressedReason::already_coded:
      return "coded by the origin";
    case UncompressedReason::partial_content:
      return "partial content";
    case UncompressedReason::media_type:
      return "no media type of text";
    case UncompressedReason::event_stream:
      return "an event stream";
    case UncompressedReason::entity_tag:
      return "its entity tag ends as those of compressed content do";
    case UncompressedReason::no_gain:
      return "no smaller when compressed";
  }
  return {};
}

CompressionDecision decide_compression(const CompressionFacts& facts, const CompressionRule& rule) {
  if (!rule.is_on) return StoreAsIs{UncompressedReason::switched_off};
  // An empty body does not get smaller whatever the rule says.
  if (facts.size < std::max<std::uint64_t>(rule.least_size, 1))
    return StoreAsIs{UncompressedReason::too_small};

  const http::Fields fields = parse_lines(facts.head);
  if (facts.status == 206 || fields.has(FieldName::content_range))
    return StoreAsIs{UncompressedReason::partial_content};
  for (const http::FieldLine& line : fields) {
    if (line.id == FieldName::content_encoding && http::is_coded(line.value))
      return StoreAsIs{UncompressedReason::already_coded};
    if (line.id == FieldName::etag && ends_like_ours(line.value))
      return StoreAsIs{UncompressedReason::entity_tag};
  }
  if (fields.count(FieldName::content_type) != 1) return StoreAsIs{UncompressedReason::media_type};
  const std::string_view type = media_type(*fields.first(FieldName::content_type));
  if (is_event_stream(type)) return StoreAsIs{UncompressedReason::event_stream};
  if (!is_text(type)) return StoreAsIs{UncompressedReason::media_type};

  // Also where a targeted field speaks for Cache-Control (RFC 9213 2.2): no-transform is for every
  // intermediary, not for caches alone.
  if (http::parse_response_cache_control(fields).no_transform ||
      read_cache_directives(fields).directives.no_transform)
    return StoreAsIs{UncompressedReason::no_transform};

  // An eighth has to be gained, or decoding it for others costs more than it saves.
  return StoreCompressed{static_cast<std::size_t>(facts.size - (facts.size + 7) / 8)};
}

RepresentationDecision decide_representation(const http::AcceptEncoding& accepted,
                                             bool is_compressed, bool no_transform) {
  using Which = RepresentationDecision::Which;
  using Reason = RepresentationDecision::Reason;
  if (!is_compressed) return {Which::as_stored, Reason::not_coded, false};
  const bool takes_gzip = accepted.accepts("gzip");
  const bool takes_identity = accepted.accepts("");
  if (no_transform) return {Which::decoded, Reason::no_transform, false};
  if (accepted.is_absent()) return {Which::decoded, Reason::no_accept_encoding, true};
  if (!takes_gzip)
    return {Which::decoded, takes_identity ? Reason::not_accepted : Reason::nothing_acceptable,
            false};
  if (!accepted.prefers("gzip")) return {Which::decoded, Reason::identity_preferred, true};
  return {Which::as_stored, Reason::accepted, takes_identity};
}

std::string make_decoded_head(std::string_view head) {
  std::string decoded(head);
  add_vary_by_accept_encoding(decoded);
  return decoded;
}

std::string make_coded_head(std::string_view head) {
  std::string coded;
  coded.reserve(head.size() + 80);
  for (const http::FieldLine& line : parse_lines(head)) {
    // A Content-Encoding that got here says "identity".
    if (line.id == FieldName::content_encoding || is_of_decoded_bytes(line)) continue;
    if (line.id == FieldName::etag) {
      const std::string tag = make_coded_entity_tag(line.value);
      if (!tag.empty()) append_line(coded, line.name, tag);
      continue;
    }
    append_line(coded, line.name, line.value);
  }
  append_line(coded, "Content-Encoding", "gzip");
  add_vary_by_accept_encoding(coded);
  return coded;
}

std::string make_coded_entity_tag(std::string_view tag) {
  if (!is_entity_tag(tag)) return {};
  if (tag.starts_with("W/")) return std::string(tag);
  std::string coded(tag.substr(0, tag.size() - 1));
  coded.append(tag_ending);
  return coded;
}

std::optional<std::string> make_origin_entity_tags(std::string_view condition) {
  std::string mapped;
  bool is_quoted = false;
  std::size_t done = 0;
  for (std::size_t at = 0; at < condition.size(); ++at) {
    if (condition[at] != '"') continue;
    is_quoted = !is_quoted;
    if (is_quoted) continue;
    const std::string_view before = condition.substr(done, at + 1 - done);
    if (!ends_like_ours(before)) continue;
    mapped.append(before.substr(0, before.size() - tag_ending.size())).append("\"");
    done = at + 1;
  }
  if (done == 0) return {};
  mapped.append(condition.substr(done));
  return mapped;
}

std::string make_client_entity_tag(std::string_view tag, std::string_view if_none_match) {
  const std::string coded = make_coded_entity_tag(tag);
  if (coded.empty() || if_none_match.find(tag) != std::string_view::npos ||
      if_none_match.find(coded) == std::string_view::npos)
    return std::string(tag);
  return coded;
}

}  // namespace larder::policy
