#include "commands/admin_call.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

#include "commands/settings_flags.hpp"

namespace larder::commands {

namespace {
/// For a purge of a Redis that does not answer, which is longer than any reading.
constexpr std::chrono::milliseconds patience{10'000};
}  // namespace

void add_admin_settings(CLI::App& command, config::Flags& flags) {
  add_settings(command, flags, {"admin", "admin_token_file"});
}

std::optional<std::string> call_admin(const config::Flags& flags, ops::AdminCall call,
                                      std::initializer_list<unsigned> taken) {
  const config::LoadResult loaded = config::load("", environment, flags);
  if (!loaded.ok()) {
    (void)report(loaded);
    return {};
  }
  const config::Settings& settings = loaded.config.settings;
  if (!settings.admin) {
    std::cerr << "larder: the admin listener is off, so there is nobody to ask\n";
    return {};
  }
  call.token = settings.admin_token;
  ops::AdminReply reply = ops::ask_admin(*settings.admin, call, patience);
  if (reply.failure.empty() && std::find(taken.begin(), taken.end(), reply.status) != taken.end())
    return std::move(reply.body);
  std::cerr << "larder: " << config::format_endpoint(*settings.admin);
  if (reply.failure.empty())
    std::cerr << " answered " << reply.status << ": " << reply.body;
  else
    std::cerr << ": " << reply.failure << '\n';
  return {};
}

}  // namespace larder::commands
