// Suggestion text: a rules file made of what policy/suggestion found, with the reasons as comments.
#pragma once

#include <string>

#include "policy/suggestion.hpp"

namespace larder::ops {

/// What `larder check` accepts; rules that are not sure stand in comments.
[[nodiscard]] std::string format_rules(const policy::Suggestions& suggestions);

}  // namespace larder::ops
