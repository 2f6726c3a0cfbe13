// Compression: which stored responses are kept compressed, which of its two representations a
// client gets, and what their heads say (RFC 9110 8.4, 8.8.3.3, 12.5.3).
//
// Pure; the coding itself is coding/gzip. A response that is kept compressed has two
// representations: *decoded*, which is the origin's to the byte, and *coded*, which is the same in
// gzip. Both can be sent at any time, so neither is in the key, and what is stored does not vary by
// Accept-Encoding as far as selecting it goes.
//
// Entity tags. Two representations must not have one strong tag (RFC 9110 8.8.3.3: a range of one
// would be taken for a range of the other), and of a tag made weak neither If-Match nor If-Range
// could be used any more. So the coded one has the origin's strong tag with "-larder-gzip" before
// its closing quote: strong, another one, and plain to see where it comes from. A weak tag says
// that representations share it (RFC 9110 8.8.1) and stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/content_coding.hpp"

namespace larder::policy {

/// What a rule says of it.
struct CompressionRule {
  bool is_on = true;
  std::uint64_t least_size = 1024;  ///< bytes of content; smaller gain little
};

/// Why content is stored as it came.
enum class UncompressedReason : std::uint8_t {
  switched_off,
  too_small,
  no_transform,     ///< Cache-Control of the response, or a targeted field (RFC 9110 7.7, RFC
                    ///< 9111 5.2.2.6)
  already_coded,    ///< Content-Encoding is there
  partial_content,  ///< 206, or Content-Range
  media_type,       ///< none that is known to be text, or none or several
  event_stream,
  entity_tag,  ///< looks as if it was ours: mapping it back would not be safe
  no_gain,     ///< compressed and found to be nearly as large
};
[[nodiscard]] std::string_view describe(UncompressedReason reason);

struct StoreAsIs {
  UncompressedReason reason = UncompressedReason::switched_off;
  bool operator==(const StoreAsIs&) const = default;
};
/// With gzip, if that gives at most `limit` bytes; else as it is, for `no_gain`.
struct StoreCompressed {
  std::size_t limit = 0;
  bool operator==(const StoreCompressed&) const = default;
};
using CompressionDecision = std::variant<StoreAsIs, StoreCompressed>;

/// `head`: end-to-end field lines, each with its CRLF, as in StoredResponse; `size`: of the whole
/// content.
struct CompressionFacts {
  std::uint16_t status = 200;
  std::string_view head;
  std::uint64_t size = 0;
};
[[nodiscard]] CompressionDecision decide_compression(const CompressionFacts& facts,
                                                     const CompressionRule& rule);

/// Which representation goes to a client, and why.
struct RepresentationDecision {
  enum class Which : std::uint8_t { as_stored, decoded };
  enum class Reason : std::uint8_t {
    not_coded,           ///< by Larder: there is one representation only
    accepted,            ///< as stored: the client asks for gzip
    no_accept_encoding,  ///< decoded: it says nothing about codings
    not_accepted,        ///< decoded
    identity_preferred,  ///< decoded: gzip is acceptable, and less welcome
    no_transform,        ///< decoded: the client's Cache-Control (RFC 9111 5.2.1.6)
    nothing_acceptable,  ///< decoded all the same, rather than 406 (RFC 9110 12.5.3)
  };
  Which which = Which::as_stored;
  Reason reason = Reason::not_coded;
  /// The other representation would do as well. Where the chosen one's entity tag is not among
  /// those of If-None-Match or If-Range and the other's is, the other is chosen: the client has it
  /// already, whole or in part (RFC 9110 13.1.2, 13.1.5 compare with what is selected, and
  /// selecting is ours).
  bool is_other_acceptable = false;
  bool operator==(const RepresentationDecision&) const = default;
};
/// `is_compressed`: by Larder. What the origin coded itself is always sent as it is stored; that
/// the client takes it is what the origin's Vary is for. `no_transform`: of the request.
[[nodiscard]] RepresentationDecision decide_representation(const http::AcceptEncoding& accepted,
                                                           bool is_compressed, bool no_transform);

/// Heads of the two representations of a response that is stored compressed, made from its head as
/// the origin sent it. Content-Length is in neither. Both vary by Accept-Encoding (RFC
/// 9110 12.5.5), but for that no selecting by it is needed: the stored response has the origin's
/// Vary.
///
/// Decoded: the content is the origin's, and so is everything else that is said of it.
[[nodiscard]] std::string make_decoded_head(std::string_view head);
/// Coded: Content-Encoding and an entity tag of its own; without Content-MD5, Content-Digest and
/// Repr-Digest, which are of the bytes before (RFC 9530 2, 3: codings are part of what they cover)
/// and without Digest and an ETag that is none. Accept-Ranges stays: ranges are then of the coded
/// bytes (RFC 9110 14.1.2).
[[nodiscard]] std::string make_coded_head(std::string_view head);

/// The coded representation's tag, from the decoded one's; empty where `tag` is none.
[[nodiscard]] std::string make_coded_entity_tag(std::string_view tag);

/// For a request that goes to the origin as the client's own: the value of its If-None-Match or
/// If-Match with each tag of ours as the origin knows it; nothing when there is none of ours in it.
/// The field is given by the caller, who must keep to these two rules:
///  - If-Match only of an unsafe method: it then guards the state of the resource, which is the
///  same
///    under both tags;
///  - If-Range never: the origin would answer with a part of the decoded representation to a client
///    that has parts of the coded one. Unknown to it, the tag makes it send the whole, which is
///    right (RFC 9110 13.1.5).
[[nodiscard]] std::optional<std::string> make_origin_entity_tags(std::string_view condition);

/// For the 304 that answers such a request: `tag` as the client knows it, who sent `if_none_match`.
/// A cache there freshens only what has the very tag of the 304 (RFC 9111 4.3.4).
[[nodiscard]] std::string make_client_entity_tag(std::string_view tag,
                                                 std::string_view if_none_match);

}  // namespace larder::policy
