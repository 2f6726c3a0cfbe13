// Fingerprint: what gives a rule's stored responses their meaning, as one number.
//
// Part of every key in Redis: the same rule must give the same number in every version and on every
// machine. A test freezes some.
#pragma once

#include <cstdint>

#include "policy/route.hpp"

namespace larder::config {

/// Over what the rule is called (writes evict it by that), paths, key, share, tags and vary. ttl,
/// evict_on and timeouts do not count: changing them leaves what is stored as valid as it was.
[[nodiscard]] std::uint64_t make_fingerprint(const policy::RouteRule& rule);

}  // namespace larder::config
