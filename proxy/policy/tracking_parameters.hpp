// Tracking parameters: query parameters that say where a visitor came from, and mean nothing to a
// view.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace larder::policy {

/// As a key names it ("utm_*" for "utm_source"); empty: it is none.
[[nodiscard]] std::string_view tracker_of(std::string_view parameter);

/// Does `parameter` fall under one of these names, where "utm_*" is all that begin so?
[[nodiscard]] bool is_named(std::span<const std::string> names, std::string_view parameter);

}  // namespace larder::policy
