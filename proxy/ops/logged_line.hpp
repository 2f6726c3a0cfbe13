// Logged line: one line of an access log as nginx writes it by default ("combined") and gunicorn
// too, read back. Fields behind them do no harm.
#pragma once

#include <optional>
#include <string_view>

#include "policy/log_estimate.hpp"

namespace larder::ops {

/// Views into the line. Nothing: it is none such.
[[nodiscard]] std::optional<policy::LoggedRequest> parse_logged_line(std::string_view line);

}  // namespace larder::ops
