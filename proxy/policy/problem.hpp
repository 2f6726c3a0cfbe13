// Problem: what a client is told when Larder itself answers (RFC 9457), never a bare close.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::policy {

/// Reason phrase of the statuses Larder makes itself and of common others; "Unknown" otherwise.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

/// {"type":"about:blank","title":"Bad Gateway","status":502,"detail":"..."}; `detail` is escaped.
[[nodiscard]] std::string format_problem(std::uint16_t status, std::string_view detail);

}  // namespace larder::policy
