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

constexpr const char* footer =
    R"(A flag beats the environment, the environment beats the settings: block of the rules file. Without rules
everything is passed on. What may be given several times may also be one list with commas.

Variables without a flag, since 'ps' shows flags to everybody: LARDER_ADMIN_TOKEN, the token that purging and
reloading need. REDIS_HOST, REDIS_PORT, REDIS_DB and REDIS_PASSWORD stand for REDIS_URL where that is not set.
Under systemd, NOTIFY_SOCKET, WATCHDOG_USEC and LISTEN_FDS are heeded.

SIGTERM and SIGINT end it when what is in flight has been answered, or after --drain-timeout; a second one at
once. SIGHUP reads rules and certificates again. Log lines go to stderr.

Examples:
  larder serve --upstream http://127.0.0.1:8000 --rules rules.yaml
  REDIS_HOST=redis LARDER_UPSTREAM=http://backend:8000 larder serve --rules /etc/larder
  larder serve --listen https://0.0.0.0:8443 --tls-certificate cert.pem --tls-key key.pem

Exit codes: 0 ended by a signal, with everything answered; 1 it could not start; 2 wrong usage; 3 ended with
requests broken off.)";

}  // namespace

void add_serve(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("serve", "Serve clients, by the rules, from the store or the upstream");
  const auto flags = std::make_shared<config::Flags>();
  add_settings(*command, *flags);
  command->footer(footer);
  command->callback([flags, &code] { code = serve(*flags); });
}

}  // namespace larder::commands
