// Lifetimes: `ttl` and `statuses` of a rule, and the durations beside them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/report.hpp"
#include "config/values.hpp"
#include "config/yaml_source.hpp"
#include "policy/route.hpp"

namespace larder::config {

/// `owner` is the key's name, for messages. Nothing when it is no duration, which is reported.
[[nodiscard]] std::optional<milliseconds> read_duration(const Node& node, std::string_view owner,
                                                        Report& report);
/// The same in whole seconds; less than one is refused unless it is 0 and `zero` allows that.
enum class ZeroSeconds : bool { refused, allowed };
[[nodiscard]] std::optional<seconds> read_seconds(const Node& node, std::string_view owner,
                                                  ZeroSeconds zero, Report& report);

/// A duration, `origin`, or a mapping with `from: origin`. False when something is wrong with it.
[[nodiscard]] bool read_ttl(const Node& value, policy::RouteRule& rule, Report& report);
/// "{404: 30s, 410: 1h}"
[[nodiscard]] bool read_statuses(const Node& value, policy::RouteRule& rule, Report& report);

[[nodiscard]] const std::vector<std::string_view>& origin_ttl_keys();

}  // namespace larder::config
