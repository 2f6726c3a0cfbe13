#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "ops/line_writer.hpp"
#include "ops/log.hpp"
#include "ops/rules_watch.hpp"
#include "server.hpp"

namespace larder::commands {

namespace {

int serve(config::Flags flags) {
  const std::string rules = take_rules(flags);
  RulesSource source{.path = rules,
                     .signature = rules.empty() ? std::string() : ops::rules_signature(rules),
                     .read = [rules, flags] { return config::load(rules, environment, flags); }};
  config::LoadResult loaded = source.read();
  if (!report(loaded)) return exit_failed;
  ops::LineWriter lines(STDERR_FILENO);
  ops::start_log(loaded.config.settings, lines);
  int code = exit_failed;
  {
    Server server(std::move(loaded), std::move(source), lines);
    const std::string failed = server.listen();
    if (failed.empty()) {
      code = server.run();
    } else {
      std::cerr << "larder: " << failed << '\n';
    }
  }
  ops::stop_log();
  return code;
}

}  // namespace

void add_serve(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("serve", "Serve clients, by the rules, from the store or the upstream");
  const auto flags = std::make_shared<config::Flags>();
  add_settings(*command, *flags);
  command->footer(
      "A flag beats the environment, the environment beats the settings: block of the rules file.");
  command->callback([flags, &code] { code = serve(*flags); });
}

}  // namespace larder::commands
