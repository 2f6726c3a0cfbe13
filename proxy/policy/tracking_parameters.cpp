#include "policy/tracking_parameters.hpp"

#include <algorithm>
#include <array>

namespace larder::policy {

namespace {

constexpr std::array<std::string_view, 11> trackers{"utm_*",  "fbclid", "gclid",   "dclid",
                                                    "gbraid", "wbraid", "msclkid", "yclid",
                                                    "mc_cid", "mc_eid", "_ga"};

bool falls_under(std::string_view name, std::string_view parameter) {
  if (!name.ends_with('*')) return name == parameter;
  name.remove_suffix(1);
  return parameter.starts_with(name);
}

}  // namespace

std::string_view tracker_of(std::string_view parameter) {
  const auto found = std::find_if(trackers.begin(), trackers.end(), [&](std::string_view tracker) {
    return falls_under(tracker, parameter);
  });
  return found == trackers.end() ? std::string_view() : *found;
}

bool is_named(std::span<const std::string> names, std::string_view parameter) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return falls_under(name, parameter); });
}

}  // namespace larder::policy
