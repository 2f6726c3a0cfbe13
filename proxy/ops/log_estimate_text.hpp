// Log estimate text: a rules file in shadow made of what an access log tells, and what it does not.
#pragma once

#include <cstdint>
#include <string>

#include "policy/log_estimate.hpp"

namespace larder::ops {

struct ReadLog {
  std::uint64_t lines = 0;
  std::uint64_t unread = 0;    ///< of them: of no format that is known
  std::string first_unread{};  ///< cut to what fits a line
};

/// What `larder check` accepts. Every rule is in shadow: whoever takes it decides ttl and share.
[[nodiscard]] std::string format_rules(const policy::LogReport& report, const ReadLog& log);

}  // namespace larder::ops
