#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/load.hpp"

namespace larder::commands {

namespace {

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

}  // namespace

void add_check(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "check",
      "Check rules files: prints every error with its place; exit code 1 when there is one");
  const auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "Rules file, or folder of them")->required();
  command->callback([files, &code] { code = check(*files); });
}

}  // namespace larder::commands
