// Evicting write: which of a rule's words make a write evict what is stored under it
// (policy/tags decides by these, policy/explanation says them).
#pragma once

#include <string_view>

#include "policy/route.hpp"

namespace larder::policy {

/// The pattern of the rule that a write to this path may concern (PathPattern::may_concern); null:
/// none.
[[nodiscard]] const PathPattern* find_concerned(const RouteRule& rule, std::string_view path,
                                                bool below);
/// The entry of the rule's `evict_on` that names this write; null: none.
[[nodiscard]] const EvictOn* find_evict_on(const RouteRule& rule, std::string_view method,
                                           std::string_view path);

}  // namespace larder::policy
