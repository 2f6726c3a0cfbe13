// Settings flags: what every command takes from its flags and the environment, and how it says what
// is wrong with them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/load.hpp"

namespace larder::commands {

/// Of this process; nothing when it is not set.
[[nodiscard]] std::optional<std::string> environment(const std::string& name);

/// Every setting, or each of `only`, becomes a flag of the same name; what it holds is judged by
/// config/load with the rest. `flags` is filled when the command line is parsed and must outlive
/// that.
void add_settings(CLI::App& command, config::Flags& flags,
                  std::initializer_list<std::string_view> only = {});

/// For a command that has arguments besides and much to say of them: leaves the settings out of its
/// --help, but for those in `shown`.
void hide_settings(CLI::App& command, const std::vector<std::string>& shown);

/// The rules' place comes by flag or environment like any setting, but is needed first. Empty:
/// none.
[[nodiscard]] std::string take_rules(config::Flags& flags);

/// Prints what was found to stderr. False: there was an error.
[[nodiscard]] bool report(const config::LoadResult& loaded);

}  // namespace larder::commands
