// Admin call: how commands reach a running Larder, and how they say that they did not.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "config/load.hpp"
#include "ops/admin_client.hpp"

namespace larder::commands {

/// Adds the flags that say where the admin listener is and which token it wants. `flags` as
/// add_settings() has it.
void add_admin_settings(CLI::App& command, config::Flags& flags);

/// Asks as the settings say. Nothing: it could not, or was refused; then that has been printed.
[[nodiscard]] std::optional<std::string> call_admin(const config::Flags& flags,
                                                    ops::AdminCall call);

}  // namespace larder::commands
