// Vary: which request fields make variants, as a rule's `vary` says.
//
// Cookie and credentials are refused with what to write instead: they do not make variants, they
// say who somebody is.
#pragma once

#include <optional>
#include <vector>

#include "config/report.hpp"
#include "config/yaml_source.hpp"
#include "policy/route.hpp"

namespace larder::config {

/// Names of fields, each alone or (Accept, Accept-Language) with what the origin offers. Nothing
/// when something is wrong, which is reported.
[[nodiscard]] std::optional<std::vector<policy::VaryField>> read_vary(const Node& value,
                                                                      Report& report);

}  // namespace larder::config
