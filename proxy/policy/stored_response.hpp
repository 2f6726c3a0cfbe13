// Stored response: the value a cache keeps (RFC 9111 3): head, content, and when it came.
//
// Immutable once made; tiers share one object. The head is kept ready to send, so that a hit only
// adds what changes from hit to hit (Age and the status fields).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::policy {

using SystemSeconds = std::chrono::sys_seconds;
using std::chrono::seconds;

/// Bytes that several owners read and nobody changes any more.
struct SharedBytes {
  std::shared_ptr<const char[]> data;
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {data.get(), size}; }
  [[nodiscard]] static SharedBytes copy_of(std::string_view text);
};

struct StoredResponse {
  std::uint16_t status = 200;
  /// End-to-end field lines as received, each with its CRLF, without those a hit writes anew: Age,
  /// Content-Length, X-Cache-Status. Cache-Status is that of caches behind us. Date is there (added
  /// when the origin sent none).
  std::string head;
  SharedBytes content;  ///< as stored: in gzip where `decoded_size` says so
  /// Bytes of the content before Larder compressed it (policy/compression); zero: it did not.
  std::uint64_t decoded_size = 0;
  /// Where it did: field lines of the coded representation, made from `head` (make_coded_head).
  std::string coded_head;
  SystemSeconds response_time{};  ///< when the origin's answer arrived, by this machine's clock
  seconds initial_age{0};         ///< corrected_initial_age (RFC 9111 4.2.3)
  seconds lifetime{0};  ///< freshness lifetime by the origin's word; a rule's own `ttl` goes before
  /// What its Cache-Control says of reuse (RFC 9111 5.2.2, RFC 5861).
  struct Terms {
    bool validate_always = false;  ///< no-cache
    bool never_stale = false;      ///< must-revalidate, proxy-revalidate, s-maxage
    bool for_credentials = false;  ///< public, s-maxage, must-revalidate: RFC 9111 3.5
    std::optional<seconds> stale_while_revalidate{};
    std::optional<seconds> stale_if_error{};
    bool operator==(const Terms&) const = default;
  } terms;
  std::string etag;           ///< as sent, quotes included; empty: none
  std::string last_modified;  ///< as sent; empty: none
  /// The ETag is Larder's own, made of the content: for clients, never for the origin.
  bool has_own_etag = false;
  std::vector<std::string> vary;  ///< names of its Vary, lower case, sorted, without repeats
  std::vector<std::string> tags;  ///< that the response itself names, beyond those of its resource

  [[nodiscard]] bool is_compressed() const { return decoded_size > 0; }
  /// Value of the first line of that name in `head` (compared without case); empty: none.
  [[nodiscard]] std::string_view field(std::string_view name) const;
};

using StoredResponsePointer = std::shared_ptr<const StoredResponse>;

}  // namespace larder::policy
