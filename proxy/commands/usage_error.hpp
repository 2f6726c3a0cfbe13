// Usage error: what is said of a command line that was not understood.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace larder::commands {

/// Whole lines, for standard error: what is wrong, which known word was probably meant, and where
/// it is written what is taken. `app` as its parse() left it when it threw `error`. Values of
/// options are not repeated: they may be secrets.
[[nodiscard]] std::string format_usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace larder::commands
