#include <algorithm>
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/advice.hpp"
#include "config/load.hpp"

namespace larder::commands {

namespace {

struct Arguments {
  std::vector<std::string> files;
  bool strict = false;
};

bool is_warning(const config::Finding& finding) {
  return finding.level == config::Finding::Level::warning;
}

std::string count_of(std::size_t number, const std::string& word) {
  return std::to_string(number) + " " + word + (number == 1 ? "" : "s");
}

int check(const Arguments& arguments) {
  bool all_ok = true;
  for (const std::string& file : arguments.files) {
    config::LoadResult loaded = config::load(file, environment, {});
    const bool is_ok = loaded.ok();
    if (is_ok) {
      const std::vector<config::Finding> advice = config::advise(loaded);
      loaded.findings.insert(loaded.findings.end(), advice.begin(), advice.end());
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

Settings are read from the environment as 'larder serve' would, so a missing ${SECRET_KEY} shows here.

Examples:
  larder check rules/resumate.yaml
  larder check --strict rules/          # in CI: warnings fail, too

Exit codes: 0 no errors; 1 an error, or with --strict a warning; 2 wrong usage.)";

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
  command->footer(footer);
  command->callback([arguments, &code] { code = check(*arguments); });
}

}  // namespace larder::commands
