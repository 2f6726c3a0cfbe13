// Stored response: the value a cache keeps (RFC 9111 3): head, content, and when it came.
//
// Immutable once made. The head is kept ready to send, so that a hit only adds what changes from
// hit to hit (Age and the status fields). Small, since memory is full of them: see policy/text and
// store/memory_store.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "policy/text.hpp"

namespace larder::policy {

using SystemSeconds = std::chrono::sys_seconds;
using std::chrono::seconds;
/// As the seconds above, until 2106, and up to RFC 9111's largest delta (1.2.2).
using StoredSeconds = std::chrono::duration<std::uint32_t>;
using StoredTime = std::chrono::sys_time<StoredSeconds>;

/// Bytes that several owners read and nobody changes any more.
struct SharedBytes {
  std::shared_ptr<const char[]> data;
  std::size_t size = 0;

  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const char[]> bytes, std::size_t count)
      : data(std::move(bytes)), size(count) {}
  /// Shares them, or copies what is only lent.
  SharedBytes(const SharedBytes& other);
  SharedBytes(SharedBytes&& other) noexcept
      : data(std::move(other.data)), size(std::exchange(other.size, 0)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    data = std::move(other.data);
    size = other.size;
    return *this;
  }
  ~SharedBytes() = default;

  [[nodiscard]] std::string_view view() const { return {data.get(), size}; }
  [[nodiscard]] static SharedBytes copy_of(std::string_view text);
  /// Of bytes that outlive this object, though perhaps not its copies.
  [[nodiscard]] static SharedBytes lend(std::string_view lasting);
};

struct StoredResponse {
  std::uint16_t status = 200;
  /// The ETag is Larder's own, made of the content: for clients, never for the origin.
  bool has_own_etag = false;
  /// End-to-end field lines as received, each with its CRLF, without those a hit writes anew: Age,
  /// Content-Length, X-Cache-Status. Cache-Status is that of caches behind us. Date is there (added
  /// when the origin sent none).
  Text head;
  /// Where Larder compressed the content: field lines of the coded representation, made from `head`
  /// (make_coded_head).
  Text coded_head;
  Text etag;                     ///< as sent, quotes included; empty: none
  Text last_modified;            ///< as sent; empty: none
  Texts vary;                    ///< names of its Vary, lower case, sorted, without repeats
  Texts tags;                    ///< that the response itself names, beyond those of its resource
  StoredTime response_time{};    ///< when the origin's answer arrived, by this machine's clock
  StoredSeconds initial_age{0};  ///< corrected_initial_age (RFC 9111 4.2.3)
  /// Freshness lifetime by the origin's word; a rule's own `ttl` goes before.
  StoredSeconds lifetime{0};
  /// What its Cache-Control says of reuse (RFC 9111 5.2.2, RFC 5861).
  struct Terms {
    bool validate_always = false;  ///< no-cache
    bool never_stale = false;      ///< must-revalidate, proxy-revalidate, s-maxage
    bool for_credentials = false;  ///< public, s-maxage, must-revalidate: RFC 9111 3.5
    std::optional<StoredSeconds> stale_while_revalidate{};
    std::optional<StoredSeconds> stale_if_error{};
    bool operator==(const Terms&) const = default;
  } terms;
  SharedBytes content;  ///< as stored: in gzip where `decoded_size` says so
  /// Bytes of the content before Larder compressed it (policy/compression); zero: it did not.
  std::uint64_t decoded_size = 0;

  [[nodiscard]] bool is_compressed() const { return decoded_size > 0; }
  /// Value of the first line of that name in `head` (compared without case); empty: none.
  [[nodiscard]] std::string_view field(std::string_view name) const;
};

using StoredResponsePointer = std::shared_ptr<const StoredResponse>;

}  // namespace larder::policy
