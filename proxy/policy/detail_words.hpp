// Detail words: what each `detail` and `fwd` of Cache-Status means, for people.
#pragma once

#include <string_view>

#include "policy/cache_status.hpp"

namespace larder::policy {

/// A sentence without capital and final stop: "no rule matches the path".
[[nodiscard]] std::string_view describe(Detail detail);
[[nodiscard]] std::string_view describe(ForwardReason reason);
/// Why it was no hit: its detail where it has one, which says more than why the origin was asked.
/// Empty: it was a hit.
[[nodiscard]] std::string_view describe(const CacheOutcome& outcome);

}  // namespace larder::policy
