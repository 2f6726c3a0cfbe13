// Targeted cache control: which field says how this cache may keep a response (RFC 9213).
//
// The target list is Larder-Cache-Control, then CDN-Cache-Control. The first of them that is valid
// and not empty speaks for Cache-Control and Expires, of which nothing counts any more. All are
// passed on unchanged: other caches have target lists of their own.
#pragma once

#include <cstdint>

#include "http/cache_control.hpp"
#include "http/message.hpp"

namespace larder::policy {

enum class TargetedField : std::uint8_t {
  none,  ///< Cache-Control counts, and Expires where it says nothing of freshness
  larder_cache_control,
  cdn_cache_control,
};

struct CacheDirectives {
  http::ResponseCacheControl directives{};
  TargetedField source = TargetedField::none;
  bool operator==(const CacheDirectives&) const = default;
};

/// The directives of a response that count here. In a targeted field a directive whose value is of
/// another type than the directive has is as if it were not there (RFC 9213 2.1: max-age="60",
/// public=1). Deviation: one that forbids holds, unless it is Boolean false (no-store=1): what may
/// have been meant to stay out of caches is not kept. A number below zero is zero, one beyond 2^31
/// `forever` (RFC 9111 1.2.2, 4.2.1).
[[nodiscard]] CacheDirectives read_cache_directives(const http::Fields& fields);

}  // namespace larder::policy
