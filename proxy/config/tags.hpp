// Tags: a rule's `tags` -> templates, and what must hold between them and the rest of the rule.
#pragma once

#include <optional>
#include <vector>

#include "config/rules.hpp"

namespace larder::config {

/// Nothing when one of them is wrong; `report` then says why.
[[nodiscard]] std::optional<std::vector<policy::KeyTemplate>> read_tags(const Node& value,
                                                                        Report& report);

/// A tag must follow from the key, or requests that share a response would look for different tags;
/// and every path of the rule must have the parameters it names. `node` is where the rule's `tags`
/// stand; false: something is wrong, `report` says what.
[[nodiscard]] bool check_tags(const policy::RouteRule& rule, const Node& node, Report& report);

}  // namespace larder::config
