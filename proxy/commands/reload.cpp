#include <iostream>
#include <memory>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"

namespace larder::commands {

void add_reload(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "reload", "Make a running Larder read its rules again, and say how it went");
  const auto flags = std::make_shared<config::Flags>();
  add_admin_settings(*command, *flags);
  command->footer(
      "A changed file is read by itself, and so it is on SIGHUP; this waits for the outcome and\n"
      "prints it: a JSON object with the number of rules, findings, and settings that need a "
      "restart.\n"
      "Rules that are not well are refused whole, and the old ones stay in force.\n"
      "Needs the admin token: LARDER_ADMIN_TOKEN, or a file named by --admin-token-file.\n\n"
      "Examples:\n"
      "  larder check /etc/larder/rules.yaml && larder reload\n\n"
      "Exit codes: 0 the rules are in force; 1 refused or not reached; 2 wrong usage.");
  command->callback([flags, &code] {
    const std::optional<std::string> answer =
        call_admin(*flags, {.method = "POST", .target = "/reload"});
    if (answer) std::cout << *answer;
    code = answer ? exit_ok : exit_failed;
  });
}

}  // namespace larder::commands
