// Commands: what `larder` can be told to do, one unit each.
//
// Each function adds its command to `app`, and sets `code` when the command is run: the exit code.
#pragma once

#include <CLI/CLI.hpp>

namespace larder::commands {

// Exit codes, as `larder --help` lists them. `serve` has one more, 3: requests were broken off.
constexpr int exit_ok = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

void add_serve(CLI::App& app, int& code);
void add_check(CLI::App& app, int& code);
void add_explain(CLI::App& app, int& code);
void add_diff(CLI::App& app, int& code);
void add_test(CLI::App& app, int& code);
void add_health(CLI::App& app, int& code);
void add_purge(CLI::App& app, int& code);
void add_reload(CLI::App& app, int& code);
void add_stats(CLI::App& app, int& code);
void add_shadow(CLI::App& app, int& code);
void add_suggest(CLI::App& app, int& code);
// These two are about all commands, so they are added last.
void add_completion(CLI::App& app, int& code);
void add_manual(CLI::App& app, int& code);

}  // namespace larder::commands
