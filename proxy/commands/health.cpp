#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/load.hpp"
#include "ops/admin_client.hpp"

namespace larder::commands {

namespace {

constexpr std::chrono::milliseconds patience{2000};

int health(const config::Flags& flags) {
  const config::LoadResult loaded = config::load("", environment, flags);
  if (!report(loaded)) return exit_failed;
  if (!loaded.config.settings.admin) {
    std::cerr << "larder: the admin listener is off, so there is nobody to ask\n";
    return exit_failed;
  }
  const ops::AdminReply reply =
      ops::ask_admin(*loaded.config.settings.admin, {.target = "/healthz"}, patience);
  if (reply.failure.empty() && reply.status == 200) {
    std::cout << "ok\n";
    return exit_ok;
  }
  std::cerr << "larder: "
            << (reply.failure.empty() ? "answered " + std::to_string(reply.status) : reply.failure)
            << '\n';
  return exit_failed;
}

constexpr const char* footer =
    R"(Prints ok. It lives as long as its admin listener answers /healthz within 2 seconds; whether it is ready to
serve, and what its operator should mend, says /readyz. Needs no token.

Examples:
  larder health
  larder health --admin 127.0.0.1:9181

Exit codes: 0 it lives; 1 it does not answer, or not well; 2 wrong usage.)";

}  // namespace

void add_health(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("health", "Ask whether a Larder runs, as HEALTHCHECK and probes do");
  const auto flags = std::make_shared<config::Flags>();
  add_settings(*command, *flags);
  hide_settings(*command, {"admin"});
  command->footer(footer);
  command->callback([flags, &code] { code = health(*flags); });
}

}  // namespace larder::commands
