// Pattern suggestion: the rule that one path pattern asks for, or why there is to be none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/change_causes.hpp"
#include "policy/observation.hpp"
#include "policy/suggestion.hpp"

namespace larder::policy {

struct PatternSeen {
  const Observations& observed;
  std::span<const WriteKind> kinds;  ///< of all writes
  std::string_view pattern;
  std::vector<SeenAnswer> answers;  ///< of its paths, in the order in which they came
  std::uint64_t dropped = 0;        ///< requests of its URLs that nothing else is known of
};

[[nodiscard]] Suggestion suggest_for(const PatternSeen& seen);

}  // namespace larder::policy
