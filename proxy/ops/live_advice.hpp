// Live advice: what a running Larder has seen that speaks against the rules in a file. `larder
// check
// --live` says it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace larder::ops {

/// Warnings about rules with `share: everyone`, told by their names, in their order:
///
/// - "set-cookie": answers came with Set-Cookie, which is for one client, and were not stored.
/// - "users-differ": users were found to get different answers, in shadow or by `verify`.
///
/// `stats` and `shadow`: what /stats and /shadow answered, as JSON. Nothing: they make no sense.
[[nodiscard]] std::optional<std::vector<config::Finding>> advise_live(
    const config::LoadResult& loaded, std::string_view stats, std::string_view shadow);

}  // namespace larder::ops
