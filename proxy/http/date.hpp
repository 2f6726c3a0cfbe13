// Date: HTTP-date in its three forms in, IMF-fixdate out (RFC 9110 5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace larder::http {

using SystemSeconds = std::chrono::sys_seconds;

/// IMF-fixdate, RFC 850 (two-digit years by the 50-year rule relative to `now`) and asctime;
/// nothing for anything else.
[[nodiscard]] std::optional<SystemSeconds> parse_date(std::string_view text, SystemSeconds now);
/// "Sun, 06 Nov 1994 08:49:37 GMT": 29 characters.
[[nodiscard]] std::string format_date(SystemSeconds time);

}  // namespace larder::http
