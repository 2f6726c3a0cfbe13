// Cache-Control: request and response directives, parsed once into typed values (RFC 9111 5.2).
//
// Unknown directives are ignored. A directive with a malformed or conflicting argument takes the
// most restrictive meaning (RFC 9111 4.2.1). Numbers too large become `forever` (RFC 9111 1.2.2).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace larder::http {

using std::chrono::seconds;
inline constexpr seconds forever{2147483648};  // RFC 9111 1.2.2: 2^31

struct ResponseCacheControl {
  std::optional<seconds> max_age{};   ///< malformed: zero
  std::optional<seconds> s_maxage{};  ///< malformed: zero
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool no_cache = false;                       ///< without field names
  std::vector<std::string> no_cache_fields{};  ///< lower case
  bool no_store = false;
  bool is_private = false;                    ///< without field names
  std::vector<std::string> private_fields{};  ///< lower case
  bool is_public = false;
  bool must_understand = false;
  bool immutable = false;
  bool no_transform = false;
  std::optional<seconds> stale_while_revalidate{};
  std::optional<seconds> stale_if_error{};
  bool operator==(const ResponseCacheControl&) const = default;
};

struct RequestCacheControl {
  std::optional<seconds> max_age{};
  std::optional<seconds> min_fresh{};
  std::optional<seconds> max_stale{};  ///< `forever` when given without argument
  bool no_cache = false;               ///< also by Pragma: no-cache when there is no Cache-Control
  bool no_store = false;
  bool no_transform = false;
  bool only_if_cached = false;
  std::optional<seconds> stale_if_error{};
  bool operator==(const RequestCacheControl&) const = default;
};

[[nodiscard]] ResponseCacheControl parse_response_cache_control(const Fields& fields);
[[nodiscard]] RequestCacheControl parse_request_cache_control(const Fields& fields);
/// delta-seconds: digits only; overflow is `forever`; nothing when malformed.
[[nodiscard]] std::optional<seconds> parse_delta_seconds(std::string_view text);

}  // namespace larder::http
