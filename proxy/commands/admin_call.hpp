// Admin call: how commands reach a running Larder, and how they say that they did not.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "config/load.hpp"
#include "ops/admin_client.hpp"

namespace larder::commands {

constexpr unsigned admin_ok = 200;

/// Adds the flags that say where the admin listener is and which token it wants. `flags` as
/// add_settings() has it.
void add_admin_settings(CLI::App& command, config::Flags& flags);

/// Asks as the settings say, and gives back what an answer of one of the statuses `taken` holds.
/// Nothing: it could not ask, or was answered otherwise; then that has been printed.
[[nodiscard]] std::optional<std::string> call_admin(const config::Flags& flags, ops::AdminCall call,
                                                    std::initializer_list<unsigned> taken = {
                                                        admin_ok});

}  // namespace larder::commands
