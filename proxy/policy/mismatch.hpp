// Mismatch: in words, why a path is not what a pattern matches. For people, never for requests.
#pragma once

#include <string>
#include <string_view>

#include "policy/path_pattern.hpp"

namespace larder::policy {

/// Why `path`, in the normal form, is not matched: "path differs at segment 3: 'x' is no <int:pk>".
/// Segments count from 1. Empty when it is matched.
[[nodiscard]] std::string describe_mismatch(const PathPattern& pattern, std::string_view path);

}  // namespace larder::policy
