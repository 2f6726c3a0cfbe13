#include "commands/settings_flags.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace larder::commands {

namespace {

std::string flag_of(std::string_view name) {
  std::string flag = "--";
  for (const char c : name) flag += c == '_' ? '-' : c;
  return flag;
}

}  // namespace

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return std::string(value);
}

void add_settings(CLI::App& command, config::Flags& flags,
                  std::initializer_list<std::string_view> only) {
  for (const config::SettingInfo& setting : config::settings_table()) {
    if (only.size() > 0 && std::find(only.begin(), only.end(), setting.name) == only.end())
      continue;
    const std::string name(setting.name);
    std::string help(setting.help);
    if (!setting.environment.empty()) help += " [" + std::string(setting.environment) + "]";
    command
        .add_option_function<std::vector<std::string>>(
            flag_of(name),
            [&flags, name](const std::vector<std::string>& values) { flags[name] = values; }, help)
        ->type_name(std::string(setting.value))
        ->expected(1, setting.repeatable ? 64 : 1)
        // What follows a value is the command's own argument, such as a URL.
        ->allow_extra_args(false)
        ->multi_option_policy(setting.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                 : CLI::MultiOptionPolicy::TakeLast);
  }
}

void hide_settings(CLI::App& command, const std::vector<std::string>& shown) {
  for (const config::SettingInfo& setting : config::settings_table()) {
    const std::string name(setting.name);
    CLI::Option* option = command.get_option(flag_of(name));
    if (std::find(shown.begin(), shown.end(), name) == shown.end()) option->group("");
  }
}

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

}  // namespace larder::commands
