#include <algorithm>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/advice.hpp"
#include "config/load.hpp"
#include "ops/live_advice.hpp"

namespace larder::commands {

namespace {

struct Arguments {
  std::vector<std::string> files;
  config::Flags flags;  ///< where the running Larder is
  bool strict = false;
  bool live = false;
};

/// What a running Larder says.
struct Live {
  std::string stats;
  std::string shadow;
};

/// Nothing: it could not be asked, which has been printed.
std::optional<Live> ask(const config::Flags& flags) {
  std::optional<std::string> stats = call_admin(flags, {.target = "/stats"});
  if (!stats) return std::nullopt;
  std::optional<std::string> shadow = call_admin(flags, {.target = "/shadow"});
  if (!shadow) return std::nullopt;
  return Live{*std::move(stats), *std::move(shadow)};
}

bool is_warning(const config::Finding& finding) {
  return finding.level == config::Finding::Level::warning;
}

std::string count_of(std::size_t number, const std::string& word) {
  return std::to_string(number) + " " + word + (number == 1 ? "" : "s");
}

void append(std::vector<config::Finding> more, config::LoadResult& loaded) {
  loaded.findings.insert(loaded.findings.end(), more.begin(), more.end());
}

int check(const Arguments& arguments) {
  std::optional<Live> live;
  if (arguments.live) {
    live = ask(arguments.flags);
    if (!live) return exit_failed;
  }
  bool all_ok = true;
  for (const std::string& file : arguments.files) {
    config::LoadResult loaded = config::load(file, environment, {});
    const bool is_ok = loaded.ok();
    if (is_ok) {
      append(config::advise(loaded), loaded);
      if (live) {
        auto seen = ops::advise_live(loaded, live->stats, live->shadow);
        if (!seen) {
          std::cerr << "larder: what answers on the admin address is no Larder\n";
          return exit_failed;
        }
        append(*std::move(seen), loaded);
      }
    }
    (void)report(loaded);
    const auto warnings = static_cast<std::size_t>(
        std::count_if(loaded.findings.begin(), loaded.findings.end(), is_warning));
    if (is_ok) {
      std::cout << file << ": " << count_of(loaded.config.routes.rules.size(), "rule")
                << ", no errors";
      if (warnings > 0) std::cout << ", " << count_of(warnings, "warning");
      std::cout << '\n';
    }
    all_ok = all_ok && is_ok && (warnings == 0 || !arguments.strict);
  }
  return all_ok ? exit_ok : exit_failed;
}

constexpr const char* footer =
    R"(Each finding stands on a line of its own on stderr: FILE:LINE:COLUMN: error or warning, what is
wrong and what to do, and a warning's name in brackets:

  never-matches  rules above take every path of this one
  overlap        two rules share some paths, and each has others: their order decides
  not-evicted    kept for everyone for more than an hour, and no write elsewhere evicts it
  no-token-key   'share: per-user' by tokens that nothing can verify

With --live a running Larder is asked, at its admin listener, what it has seen under the rules of the
same names that have 'share: everyone':

  set-cookie     answers came with Set-Cookie, and are not stored
  users-differ   answers differed between users: seen in shadow, or by 'verify'

Settings are read from the environment as 'larder serve' would, so a missing ${SECRET_KEY} shows here.

Examples:
  larder check rules/resumate.yaml
  larder check --strict rules/          # in CI: warnings fail, too
  larder check --live rules/            # with what the Larder that serves them has seen

Exit codes: 0 no errors; 1 an error, with --strict a warning, or nobody to ask; 2 wrong usage.)";

}  // namespace

void add_check(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "check",
      "Check rules files: prints every error, and what is probably not meant, with its place");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->files, "Rules file, or folder of them")
      ->required()
      ->type_name("PATH");
  command->add_flag("--strict", arguments->strict, "Exit code 1 for warnings, too");
  command->add_flag("--live", arguments->live, "Warn of what a running Larder has seen, too");
  add_admin_settings(*command, arguments->flags);
  command->footer(footer);
  command->callback([arguments, &code] { code = check(*arguments); });
}

}  // namespace larder::commands
