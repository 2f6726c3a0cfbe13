#include "commands/usage_error.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "commands/description.hpp"
#include "policy/nearest.hpp"

namespace larder::commands {

namespace {

bool is_option(const std::string& word) {
  return word.size() > 1 && word.front() == '-';
}

std::string unknown_option(const DescribedCommand& command, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string_view> known;
  for (const DescribedOption& option : command.options)
    if (!option.is_hidden) known.insert(known.end(), option.names.begin(), option.names.end());
  return "unknown option '" + std::string(name) + "'" + policy::suggest_nearest(name, known);
}

std::string unknown_command(const DescribedCommand& command, std::string_view word) {
  std::vector<std::string_view> known;
  for (const DescribedCommand& one : command.commands) known.push_back(one.name);
  return "unknown command '" + std::string(word) + "'" + policy::suggest_nearest(word, known);
}

std::string names_of(const std::vector<DescribedCommand>& commands) {
  std::string names;
  for (const DescribedCommand& one : commands) names += (names.empty() ? "" : ", ") + one.name;
  return names;
}

}  // namespace

std::string format_usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
  const DescribedCommand command = describe(*last);
  const std::vector<std::string> left = last->remaining();
  const auto option = std::find_if(left.begin(), left.end(), is_option);

  std::string what;
  if (option != left.end())
    what = unknown_option(command, *option);
  else if (command.commands.empty())
    what = left.empty() ? error.what() : "one argument too many: '" + left.front() + "'";
  else
    what = left.empty() ? "a command is missing" : unknown_command(command, left.front());
  std::string text = command.full_name() + ": " + what + "\n";
  if (!command.commands.empty()) text += "Its commands are " + names_of(command.commands) + ".\n";
  return text + "'" + command.full_name() + " --help' says what it takes.\n";
}

}  // namespace larder::commands
