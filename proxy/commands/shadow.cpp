// larder shadow: what rules in shadow would have done so far.
#include <chrono>
#include <iostream>
#include <memory>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "ops/admin_client.hpp"

namespace larder::commands {

namespace {

constexpr std::chrono::milliseconds patience{5000};

int shadow(const config::Flags& flags, bool as_json) {
  const config::LoadResult loaded = config::load("", environment, flags);
  if (!report(loaded)) return exit_failed;
  const config::Settings& settings = loaded.config.settings;
  if (!settings.admin) {
    std::cerr << "larder: the admin listener is off, so there is nobody to ask\n";
    return exit_failed;
  }
  const ops::AdminReply reply = ops::ask_admin(
      *settings.admin,
      {.target = as_json ? "/shadow" : "/shadow?format=text", .token = settings.admin_token},
      patience);
  if (!reply.failure.empty() || reply.status != 200) {
    std::cerr << "larder: " << (reply.failure.empty() ? reply.body : reply.failure) << '\n';
    return exit_failed;
  }
  std::cout << reply.body;
  return exit_ok;
}

}  // namespace

void add_shadow(CLI::App& app, int& code) {
  struct Given {
    config::Flags flags;
    bool as_json = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand(
      "shadow", "Print what rules with 'mode: shadow' would have done, and a verdict for each");
  command->add_flag("--json", given->as_json, "As a JSON object");
  add_settings(*command, given->flags);
  command->footer(
      "Asks a running Larder's admin listener. Verdicts: promote (nothing wrong in enough hits), "
      "too-little,\nno-use, missing-evict (which writes to name in evict_on), changes-unseen, "
      "users-differ.\nExit code 0 when it was told, 1 when there was no answer.");
  command->callback([given, &code] { code = shadow(given->flags, given->as_json); });
}

}  // namespace larder::commands
