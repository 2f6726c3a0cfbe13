// larder: argv -> configuration -> objects -> run. The only file that names concrete classes to
// run.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/load.hpp"
#include "ops/admin.hpp"
#include "ops/log.hpp"
#include "server.hpp"

namespace {

using namespace larder;

// Exit codes, as README.md lists them.
constexpr int exit_ok = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return std::string(value);
}

/// A closed standard stream would give its number to the next file or socket, and that would then
/// get what is written to the stream.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is this one, since those below are open by now.
    if (::fcntl(stream, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);
  }
}

std::string flag_of(std::string_view name) {
  std::string flag = "--";
  for (const char c : name) flag += c == '_' ? '-' : c;
  return flag;
}

/// Every setting is a flag of the same name; what it holds is judged by config/load with the rest.
void add_settings(CLI::App& command, config::Flags& flags) {
  for (const config::SettingInfo& setting : config::settings_table()) {
    const std::string name(setting.name);
    std::string help(setting.help);
    if (!setting.environment.empty()) help += " [" + std::string(setting.environment) + "]";
    command
        .add_option_function<std::vector<std::string>>(
            flag_of(name),
            [&flags, name](const std::vector<std::string>& values) { flags[name] = values; }, help)
        ->type_name(std::string(setting.value))
        ->expected(1, setting.repeatable ? 64 : 1)
        ->multi_option_policy(setting.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                 : CLI::MultiOptionPolicy::TakeLast);
  }
}

/// The rules' place comes by flag or environment like any setting, but is needed first.
std::string take_rules(config::Flags& flags) {
  if (const auto given = flags.find("rules"); given != flags.end() && !given->second.empty()) {
    std::string rules = given->second.back();
    flags.erase(given);
    return rules;
  }
  return environment("LARDER_RULES").value_or("");
}

bool report(const config::LoadResult& loaded) {
  for (const config::Finding& finding : loaded.findings)
    std::cerr << config::format_finding(finding) << '\n';
  return loaded.ok();
}

int serve(config::Flags flags) {
  const std::string rules = take_rules(flags);
  config::LoadResult loaded = config::load(rules, environment, flags);
  if (!report(loaded)) return exit_failed;
  ops::start_log(loaded.config.settings);
  int code = exit_failed;
  {
    Server server(std::move(loaded.config));
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

int check(const std::vector<std::string>& files) {
  bool all_ok = true;
  for (const std::string& file : files) {
    const config::LoadResult loaded = config::load(file, environment, {});
    const bool is_ok = report(loaded);
    all_ok = all_ok && is_ok;
    if (is_ok) {
      const std::size_t count = loaded.config.routes.rules.size();
      std::cout << file << ": " << count << (count == 1 ? " rule" : " rules") << ", no errors\n";
    }
  }
  return all_ok ? exit_ok : exit_failed;
}

int health(const config::Flags& flags) {
  const config::LoadResult loaded = config::load("", environment, flags);
  if (!report(loaded)) return exit_failed;
  if (!loaded.config.settings.admin) {
    std::cerr << "larder: the admin listener is off, so there is nobody to ask\n";
    return exit_failed;
  }
  const std::string wrong =
      ops::ask_health(*loaded.config.settings.admin, std::chrono::milliseconds(2000));
  if (wrong.empty()) {
    std::cout << "ok\n";
    return exit_ok;
  }
  std::cerr << "larder: " << wrong << '\n';
  return exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  // A client or a log reader that has gone is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a log that drops lines
  CLI::App app("Larder: a caching reverse proxy in front of a Django API");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("larder ") + LARDER_VERSION);
  int code = exit_ok;

  config::Flags serve_flags;
  CLI::App* serve_command =
      app.add_subcommand("serve", "Serve clients, by the rules, from the store or the upstream");
  add_settings(*serve_command, serve_flags);
  serve_command->footer(
      "A flag beats the environment, the environment beats the settings: block of the rules file.");
  serve_command->callback([&] { code = serve(serve_flags); });

  std::vector<std::string> files;
  CLI::App* check_command = app.add_subcommand(
      "check",
      "Check rules files: prints every error with its place; exit code 1 when there is one");
  check_command->add_option("FILE", files, "Rules file, or folder of them")->required();
  check_command->callback([&] { code = check(files); });

  config::Flags health_flags;
  CLI::App* health_command = app.add_subcommand(
      "health", "Ask a running Larder's admin listener; exit code 0 when it is well");
  add_settings(*health_command, health_flags);
  health_command->callback([&] { code = health(health_flags); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int shown = app.exit(error);
    return shown == 0 ? exit_ok : exit_usage;
  }
  return code;
}
