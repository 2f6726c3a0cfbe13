// Forwarding: the request the origin sees (RFC 9110 7.6, RFC 7239), written anew from parsed
// values.
//
// Two kinds. A client's own request is passed on as it came, but for what belongs to one hop. A
// fill is a request Larder makes for its store: it carries only what the cache key knows, so that
// the answer cannot depend on anything else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace larder::policy {

/// What the hop before us is, and what it said about the client.
struct ForwardedFacts {
  std::string_view peer;   ///< its address as text; empty when it has none
  bool trusted = false;    ///< its X-Forwarded-* are believed
  std::string_view proto;  ///< X-Forwarded-Proto as the origin will see it
  std::string_view host;   ///< X-Forwarded-Host as the origin will see it
  /// "X-Request-ID: TEXT\r\n", in the place of what the client sent. Empty: that stays.
  std::string_view request_id_line{};
  std::string_view trace_parent{};  ///< traceparent, likewise
};
/// `scheme` is that of our own listener. Views into `head`, `peer` and literals.
[[nodiscard]] ForwardedFacts decide_forwarded(const http::RequestHead& head, std::string_view peer,
                                              bool trusted, std::string_view scheme);

/// Does a trusted hop's X-Forwarded-* field other than For, Host and Proto (Port, Prefix, Ssl, ...)
/// speak here? It can shape absolute URLs, so it counts in keys and is sent on.
[[nodiscard]] bool is_other_forwarded(std::string_view name);
/// WSGI makes X_Forwarded_For and X-Forwarded-For one variable: a name with "_" could pose as one
/// that a proxy vouches for, so such fields never reach the origin (as with nginx).
[[nodiscard]] bool may_pose_as_another(std::string_view name);

/// How a message goes on: framing is decided here, never copied.
struct ForwardedFraming {
  http::BodyFraming body;
  bool expect_continue = false;
  bool upgrade = false;  ///< send Upgrade and Connection: upgrade as the client did
};

/// Appends the whole head of a client's own request, final empty line included.
void append_forward_head(const http::RequestHead& head, const ForwardedFacts& facts,
                         const ForwardedFraming& framing, std::string& out);

/// One field of a fill, already normalised.
struct KeyedField {
  std::string name;                  ///< lower case
  std::optional<std::string> value;  ///< nothing: absent from the request, and from the fill
  std::string sent;      ///< what the fill sends where that is not `value`; empty: `value`
  bool is_open = false;  ///< clients choose its value: any number of variants may come of it
};

/// Appends the head of a fill: `target`, Host, X-Forwarded-* and the keyed fields. No text of the
/// client's that the key does not know: an origin that answers with it would tell everybody.
/// `cookie` is the Cookie value that the key names, or empty.
void append_fill_head(const http::RequestHead& head, const ForwardedFacts& facts,
                      std::string_view target, const std::vector<KeyedField>& keyed,
                      std::string_view cookie, std::string& out);

/// Would this field of the client's request, left out of a fill, perhaps have changed the answer to
/// this client? Not: what tells about the client only (User-Agent, Referer, Sec-*), preconditions,
/// and codings. Used to decide whether a fill's unstored answer may be the client's own.
[[nodiscard]] bool may_matter(const http::FieldLine& line);

/// End-to-end fields of an origin's answer: appends each line that goes to the client or into the
/// store; framing, hop-by-hop and X-Cache-Status are left out, what is of one answer alone (Age,
/// X-Request-ID) too when `for_store`, and fields named in `left_out` (lower case). Cache-Status
/// stays: ours comes behind it (RFC 9211 2).
void append_end_to_end(const http::ResponseHead& head, bool for_store,
                       const std::vector<std::string>& left_out, std::string& out);
void append_end_to_end(const http::ResponseHead& head, bool for_store, std::string& out);

/// Trailer lines of an answer's `section` for a client whose TE asked for them (RFC 9110 6.5.1);
/// only names that mean nothing to framing, routing, caching or authentication.
void append_trailers(std::string_view section, const http::Fields& request, std::string& out);

}  // namespace larder::policy
