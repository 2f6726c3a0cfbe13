// larder manual: manual pages in man(7)'s language, one for each command and one for all.
#include <cctype>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "commands/commands.hpp"
#include "commands/description.hpp"

namespace larder::commands {

namespace {

/// What troff would take for its own is written so that it is text; long URLs and lists may be
/// broken.
std::string escape(std::string_view text) {
  std::string escaped;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (letter == '\\')
      escaped += "\\e";
    else if (letter == '-')
      escaped += "\\-";
    else
      escaped += letter;
    const bool is_within = at + 1 < text.size() && text[at + 1] != ' ';
    if (is_within && (letter == ',' || letter == '/')) escaped += "\\:";
  }
  if (escaped.starts_with('.') || escaped.starts_with('\'')) escaped.insert(0, "\\&");
  return escaped;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : escape(text))
    quoted += letter == '"' ? std::string("\\(dq") : std::string(1, letter);
  return quoted + "\"";
}

std::string page_name(const DescribedCommand& command) {
  return command.commands.empty() ? "larder-" + command.name : command.name;
}

/// Lines that are indented stay as they are, others are filled.
void format_lines(std::ostream& out, const std::vector<std::string>& lines) {
  bool is_literal = false;
  for (const std::string& line : lines) {
    const bool is_indented = line.starts_with("  ");
    if (is_indented != is_literal) out << (is_indented ? ".RS 4\n.nf\n" : ".fi\n.RE\n");
    is_literal = is_indented;
    out << escape(is_indented ? line.substr(2) : line) << '\n';
  }
  if (is_literal) out << ".fi\n.RE\n";
}

/// "Exit codes: 0 well; 1 failed; 2 wrong usage." as a list.
void format_exit_codes(std::ostream& out, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : " ") + line;
  if (text.ends_with('.')) text.pop_back();
  text.erase(0, text.find(": ") + 2);
  out << ".SH EXIT STATUS\n";
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find("; ", at);
    while (end != std::string::npos && std::isdigit(static_cast<unsigned char>(text[end + 2])) == 0)
      end = text.find("; ", end + 2);
    const std::string code = text.substr(at, end == std::string::npos ? end : end - at);
    const std::size_t space = code.find(' ');
    out << ".TP\n.B " << code.substr(0, space) << '\n' << escape(code.substr(space + 1)) << '\n';
    at = end == std::string::npos ? text.size() : end + 2;
  }
}

std::vector<std::vector<std::string>> paragraphs_of(const std::string& prose) {
  std::vector<std::vector<std::string>> paragraphs(1);
  std::istringstream lines(prose);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty())
      paragraphs.back().push_back(line);
    else if (!paragraphs.back().empty())
      paragraphs.emplace_back();
  }
  return paragraphs;
}

std::string capitals(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

std::string format_manual(const DescribedCommand& command, const DescribedCommand& whole) {
  std::ostringstream out;
  // Neither words nor lines are stretched or cut: options are to be copied.
  out << ".TH " << quote(capitals(page_name(command)))
      << " 1 \"\" \"larder " LARDER_VERSION "\" \"Larder\"\n.nh\n.ad l\n"
      << ".SH NAME\n"
      << escape(page_name(command)) << " \\- " << escape(command.summary) << '\n'
      << ".SH SYNOPSIS\n.B " << escape(command.usage()) << '\n'
      << ".SH DESCRIPTION\n"
      << escape(command.summary) << ".\n";
  std::ostringstream ends;
  for (const std::vector<std::string>& paragraph : paragraphs_of(command.footer)) {
    if (paragraph.empty()) continue;
    const std::string& first = paragraph.front();
    if (first == "Examples:") {
      ends << ".SH EXAMPLES\n";
      format_lines(ends, {paragraph.begin() + 1, paragraph.end()});
    } else if (first.starts_with("Exit codes")) {
      format_exit_codes(ends, paragraph);
    } else {
      out << ".PP\n";
      format_lines(out, paragraph);
    }
  }
  if (!command.commands.empty()) out << ".SH COMMANDS\n";
  for (const DescribedCommand& part : command.commands)
    out << ".TP\n.BR " << escape(page_name(part)) << " (1)\n" << escape(part.summary) << '\n';
  for (const DescribedSection& section : sections_of(command)) {
    out << ".SH " << quote(capitals(section.title)) << '\n';
    for (const DescribedOption& option : section.options)
      out << ".TP\n.B " << quote(option.shown()) << '\n' << escape(option.help) << '\n';
  }
  out << ends.str() << ".SH SEE ALSO\n";
  std::string separator;
  if (command.commands.empty()) {
    out << ".BR larder (1)";
    separator = ",\n";
  }
  for (const DescribedCommand& part : whole.commands) {
    if (part.name == command.name) continue;
    out << separator << ".BR " << escape(page_name(part)) << " (1)";
    separator = ",\n";
  }
  out << '\n';
  return out.str();
}

struct Arguments {
  std::string command;
  std::string folder;
};

int write_all(const DescribedCommand& whole, const std::string& folder) {
  std::vector<DescribedCommand> pages = whole.commands;
  pages.push_back(whole);
  for (const DescribedCommand& page : pages) {
    const std::string name = folder + "/" + page_name(page) + ".1";
    std::ofstream file(name);
    file << format_manual(page, whole);
    if (!file.flush()) {
      std::cerr << "larder: cannot write " << name << '\n';
      return exit_failed;
    }
  }
  return exit_ok;
}

int print_manual(const CLI::App& app, const Arguments& arguments) {
  const DescribedCommand whole = describe(app);
  if (!arguments.folder.empty()) return write_all(whole, arguments.folder);
  if (arguments.command.empty()) {
    std::cout << format_manual(whole, whole);
    return exit_ok;
  }
  for (const DescribedCommand& command : whole.commands) {
    if (command.name != arguments.command) continue;
    std::cout << format_manual(command, whole);
    return exit_ok;
  }
  std::cerr << "larder: there is no command " << arguments.command
            << "; 'larder --help' lists them\n";
  return exit_usage;
}

constexpr const char* footer =
    R"(Written from what --help is written from. Debian's package has these pages installed; this is for where
they are not, as in a container.

Examples:
  larder manual purge | man -l -
  larder manual --into /usr/local/share/man/man1

Exit codes: 0 written; 1 it could not be written; 2 wrong usage, or no such command.)";

}  // namespace

void add_manual(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand("manual", "Print the manual page of larder or a command");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("COMMAND", arguments->command, "Whose page; without it larder's own");
  command->add_option("--into", arguments->folder, "Write every page into this folder instead")
      ->type_name("PATH");
  command->footer(footer);
  command->callback([&app, arguments, &code] { code = print_manual(app, *arguments); });
}

}  // namespace larder::commands
