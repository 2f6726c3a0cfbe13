// Rule text: a rule as one would write it, key by key, with what its defaults are. To compare rules
// by, and to show what differs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/route.hpp"

namespace larder::config {

struct RuleKeyText {
  std::string_view key;
  std::string value;  ///< "default" where it holds what another setting or the response says
  bool operator==(const RuleKeyText&) const = default;
};
/// The value of `share`, as rules say it.
[[nodiscard]] std::string_view text_of_share(policy::Share share);
/// Every key of rule_keys(), in that order.
[[nodiscard]] std::vector<RuleKeyText> describe_rule(const policy::RouteRule& rule);

}  // namespace larder::config
