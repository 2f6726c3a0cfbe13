#include "commands/description.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace larder::commands {

namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t help_column = 28;

DescribedOption describe(const CLI::Option& option, const std::string& group) {
  DescribedOption described{
      .names = {},
      .value = option.get_items_expected_max() == 0 ? std::string() : option.get_type_name(),
      .help = option.get_description(),
      .group = group,
      .is_repeatable = option.get_items_expected_max() > 1 ||
                       option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll,
      .is_required = option.get_required(),
      .is_hidden = option.get_group().empty()};
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  if (option.get_positional()) described.names = {option.get_name(true, false)};
  return described;
}

/// `group`: the name of the option group that `app` is; empty when it is a command.
void add_options(const CLI::App& app, const std::string& group, DescribedCommand& described) {
  for (const CLI::Option* option : app.get_options()) {
    // A group has its own, as a command does.
    if (!group.empty() && option == app.get_help_ptr()) continue;
    (option->get_positional() ? described.arguments : described.options)
        .push_back(describe(*option, group));
  }
  for (const CLI::App* part : app.get_subcommands({}))
    if (part->get_name().empty()) add_options(*part, part->get_group(), described);
}

void wrap(std::ostream& out, std::size_t column, const std::string& text) {
  std::istringstream words(text);
  std::size_t at = column;
  for (std::string word; words >> word;) {
    const bool is_first = at == column;
    if (!is_first && at + 1 + word.size() > page_width) {
      out << '\n' << std::string(column, ' ');
      at = column;
    } else if (!is_first) {
      out << ' ';
      ++at;
    }
    out << word;
    at += word.size();
  }
  out << '\n';
}

void format_row(std::ostream& out, const std::string& left, const std::string& text) {
  out << "  " << left;
  if (left.size() + 4 > help_column)
    out << '\n' << std::string(help_column, ' ');
  else
    out << std::string(help_column - 2 - left.size(), ' ');
  wrap(out, help_column, text);
}

void add_shown(const std::vector<DescribedOption>& options, const std::string& group,
               DescribedSection& section) {
  for (const DescribedOption& option : options)
    if (!option.is_hidden && option.group == group) section.options.push_back(option);
}

std::vector<std::string> groups_of(const DescribedCommand& command) {
  std::vector<std::string> groups;
  for (const DescribedOption& option : command.options)
    if (!option.group.empty() &&
        std::find(groups.begin(), groups.end(), option.group) == groups.end())
      groups.push_back(option.group);
  return groups;
}

}  // namespace

std::string DescribedOption::shown() const {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  if (names.front().starts_with('-') && !value.empty()) text += " " + value;
  return is_repeatable ? text + "..." : text;
}

Offered offered_for(const DescribedOption& option) {
  const std::string& value = option.value;
  if (value == "PATH" || value == "FILE") return {.files = true, .words = {}};
  if (value == "BOOLEAN") return {.files = false, .words = {"true", "false"}};
  Offered offered;
  if (!value.starts_with('{') || !value.ends_with('}')) return offered;
  std::istringstream words(value.substr(1, value.size() - 2));
  for (std::string word; std::getline(words, word, ',');) offered.words.push_back(word);
  return offered;
}

std::string DescribedCommand::full_name() const {
  return commands.empty() ? "larder " + name : name;
}

std::string DescribedCommand::usage() const {
  std::string text = full_name() + " [OPTIONS]";
  for (const DescribedOption& argument : arguments)
    text += " " + (argument.is_required ? argument.shown() : "[" + argument.shown() + "]");
  return commands.empty() ? text : text + " COMMAND";
}

DescribedCommand describe(const CLI::App& app) {
  DescribedCommand described{.name = app.get_name(),
                             .summary = app.get_description(),
                             .footer = app.get_footer(),
                             .arguments = {},
                             .options = {},
                             .commands = {}};
  add_options(app, "", described);
  for (const CLI::App* part : app.get_subcommands({}))
    if (!part->get_name().empty()) described.commands.push_back(describe(*part));
  return described;
}

std::vector<DescribedSection> sections_of(const DescribedCommand& command) {
  std::vector<DescribedSection> sections;
  for (const std::string& group : groups_of(command)) {
    sections.push_back({group + ", one of these", {}});
    add_shown(command.arguments, group, sections.back());
    add_shown(command.options, group, sections.back());
  }
  sections.push_back({"Arguments", {}});
  add_shown(command.arguments, "", sections.back());
  sections.push_back({"Options", {}});
  add_shown(command.options, "", sections.back());
  std::erase_if(sections, [](const DescribedSection& section) { return section.options.empty(); });
  return sections;
}

std::string format_help(const DescribedCommand& command) {
  std::ostringstream out;
  out << command.summary << "\nUsage: " << command.usage() << '\n';
  if (!command.commands.empty()) out << "\nCommands:\n";
  for (const DescribedCommand& part : command.commands) format_row(out, part.name, part.summary);
  for (const DescribedSection& section : sections_of(command)) {
    out << '\n' << section.title << ":\n";
    for (const DescribedOption& option : section.options)
      format_row(out, option.shown(), option.help);
  }
  if (!command.footer.empty()) out << '\n' << command.footer << '\n';
  return out.str();
}

}  // namespace larder::commands
