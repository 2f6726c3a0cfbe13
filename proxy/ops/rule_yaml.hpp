// Rule YAML: one rule as it stands in a rules file, for commands that propose some.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "policy/route.hpp"

namespace larder::ops {

struct RuleText {
  std::string path;
  bool is_off = false;        ///< `mode: off`, and nothing else
  bool is_in_shadow = false;  ///< `mode: shadow`
  std::chrono::seconds ttl{0};
  policy::Share share = policy::Share::anonymous;
  std::vector<std::string> ignored{};  ///< query parameters that do not count
  std::vector<std::string> evict_on{};
};

/// As an item of `rules:`. `indent` begins each line.
void append_rule(const RuleText& rule, std::string_view indent, std::string& text);

/// "90s", "5m", "24h" as "1d".
[[nodiscard]] std::string format_ttl(std::chrono::seconds ttl);
/// "3 hours": of a time over which something was seen.
[[nodiscard]] std::string format_span(std::chrono::milliseconds span);

}  // namespace larder::ops
