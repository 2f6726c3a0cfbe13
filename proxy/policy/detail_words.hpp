// Detail words: what each `detail` of Cache-Status means, for people.
#pragma once

#include <string_view>

#include "policy/cache_status.hpp"

namespace larder::policy {

/// A sentence without capital and final stop: "no rule matches the path".
[[nodiscard]] std::string_view describe(Detail detail);

}  // namespace larder::policy
