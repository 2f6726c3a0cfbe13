// Shadow report: what /shadow answers, and `larder shadow` prints, of rules in shadow and of those
// that are verified.
#pragma once

#include <string>
#include <vector>

#include "policy/shadow.hpp"

namespace larder::ops {

struct ShadowedRule {
  std::string name;
  policy::ShadowReport report;
};

/// A JSON object: {"rules": [...]}.
[[nodiscard]] std::string format_json(const std::vector<ShadowedRule>& rules);
/// For people: some lines a rule, the verdict first. Of none, how to get one.
[[nodiscard]] std::string format_text(const std::vector<ShadowedRule>& rules);

}  // namespace larder::ops
