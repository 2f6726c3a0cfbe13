// larder completion: scripts that complete its commands, options and files in bash, zsh and fish.
#include <algorithm>
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

std::string join(const std::vector<std::string>& words, const std::string& separator) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : separator) + word;
  return joined;
}

std::vector<std::string> names_of(const std::vector<DescribedCommand>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const DescribedCommand& command : commands) names.push_back(command.name);
  return names;
}

std::vector<DescribedOption> shown_of(const std::vector<DescribedOption>& options) {
  std::vector<DescribedOption> shown;
  std::copy_if(options.begin(), options.end(), std::back_inserter(shown),
               [](const DescribedOption& option) { return !option.is_hidden; });
  return shown;
}

/// `text` with a backslash before each of `letters`.
std::string escape(std::string_view text, std::string_view letters) {
  std::string escaped;
  for (const char letter : text) {
    if (letters.find(letter) != std::string_view::npos) escaped += '\\';
    escaped += letter;
  }
  return escaped;
}

/// For bash and zsh, where a quote ends 'text' whatever stands before it.
std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char letter : text) {
    if (letter == '\'')
      quoted += "'\\''";
    else
      quoted += letter;
  }
  return quoted + "'";
}

// --- bash --------------------------------------------------------------------

/// What may follow a word, as the script's variables.
std::string format_offered(const Offered& offered) {
  return "files=" + std::string(offered.files ? "yes" : "no") +
         " words=" + quote(join(offered.words, " "));
}

void format_bash_command(std::ostream& out, const DescribedCommand& command) {
  std::vector<std::string> names;
  Offered argument;
  for (const DescribedOption& one : command.arguments) {
    const Offered offered = offered_for(one);
    argument.files = argument.files || offered.files;
    argument.words.insert(argument.words.end(), offered.words.begin(), offered.words.end());
  }
  out << "    " << command.name << ")\n      case $previous in\n";
  for (const DescribedOption& option : shown_of(command.options)) {
    names.insert(names.end(), option.names.begin(), option.names.end());
    if (!option.value.empty())
      out << "        " << join(option.names, " | ") << ") " << format_offered(offered_for(option))
          << " ;;\n";
  }
  out << "        *) options=" << quote(join(names, " ")) << ' ' << format_offered(argument)
      << " ;;\n      esac ;;\n";
}

std::string format_bash(const DescribedCommand& whole) {
  std::vector<std::string> options;
  for (const DescribedOption& option : shown_of(whole.options))
    options.insert(options.end(), option.names.begin(), option.names.end());
  std::ostringstream out;
  out << R"(# Completion of larder in bash, as 'larder completion bash' prints it.
_larder() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' options='' words='' files=no at
  # --option=value are three words.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((at = 1; at < COMP_CWORD; ++at)); do
    if [[ ${COMP_WORDS[at]} != -* ]]; then
      command=${COMP_WORDS[at]}
      break
    fi
  done
  case $command in
)"
      << "    '') options=" << quote(join(options, " "))
      << " words=" << quote(join(names_of(whole.commands), " ")) << " ;;\n";
  for (const DescribedCommand& command : whole.commands) format_bash_command(out, command);
  out << R"(  esac
  # Where nothing else can stand, the options are shown without a dash.
  if [[ $current == -* || (-z $current && -z $words && $files == no) ]]; then words+=" $options"; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ $files == yes && $current != -* ]]; then
    compopt -o filenames
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _larder larder
)";
  return out.str();
}

// --- zsh ---------------------------------------------------------------------

std::string zsh_value(const DescribedOption& option, const std::string& shown) {
  const Offered offered = offered_for(option);
  std::string action = "()";
  if (offered.files)
    action = "_files";
  else if (!offered.words.empty())
    action = "(" + join(offered.words, " ") + ")";
  return ":" + escape(shown, ":\\") + ":" + action;
}

void format_zsh_options(std::ostream& out, const std::string& indent,
                        const DescribedCommand& command) {
  for (const DescribedOption& option : shown_of(command.options)) {
    for (const std::string& name : option.names) {
      const bool is_long = name.starts_with("--");
      std::string spec = option.is_repeatable ? "*" : "(" + join(option.names, " ") + ")";
      spec += name;
      if (!option.value.empty()) spec += is_long ? "=" : "+";
      spec += "[" + escape(option.help, "[]\\") + "]";
      if (!option.value.empty()) spec += zsh_value(option, option.value);
      out << " \\\n" << indent << quote(spec);
    }
  }
  for (const DescribedOption& argument : command.arguments)
    out << " \\\n"
        << indent
        << quote((argument.is_repeatable ? "*" : "") + zsh_value(argument, argument.names.front()));
}

std::string format_zsh(const DescribedCommand& whole) {
  std::ostringstream out;
  out << "#compdef larder\n"
         "# Completion of larder in zsh, as 'larder completion zsh' prints it.\n"
         "_larder() {\n  local curcontext=$curcontext state line\n  local -a commands\n"
         "  commands=(\n";
  for (const DescribedCommand& command : whole.commands)
    out << "    " << quote(command.name + ":" + command.summary) << '\n';
  out << "  )\n  _arguments -C";
  format_zsh_options(out, "    ", whole);
  out << " \\\n    '1:command:->command' '*::argument:->argument' && return\n"
         "  case $state in\n"
         "    command) _describe command commands ;;\n"
         "    argument)\n"
         "      case $words[1] in\n";
  for (const DescribedCommand& command : whole.commands) {
    out << "        " << command.name << ")\n          _arguments";
    format_zsh_options(out, "            ", command);
    out << " ;;\n";
  }
  out << "      esac ;;\n  esac\n}\n"
         "# Found in fpath it is called at once; read by 'source' it is only made known.\n"
         "if [[ $funcstack[1] == _larder ]]; then\n  _larder \"$@\"\nelse\n"
         "  compdef _larder larder\nfi\n";
  return out.str();
}

// --- fish --------------------------------------------------------------------

std::string fish_quote(std::string_view text) {
  return "'" + escape(text, "'\\") + "'";
}

void format_fish_options(std::ostream& out, const std::string& condition,
                         const DescribedCommand& command) {
  for (const DescribedOption& option : shown_of(command.options)) {
    out << "complete -c larder -n " << condition;
    for (const std::string& name : option.names)
      out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
    const Offered offered = offered_for(option);
    if (offered.files)
      out << " -r -F";
    else if (!option.value.empty())
      out << " -x";
    if (!offered.words.empty()) out << " -a " << fish_quote(join(offered.words, " "));
    out << " -d " << fish_quote(option.help) << '\n';
  }
  for (const DescribedOption& argument : command.arguments) {
    const Offered offered = offered_for(argument);
    if (offered.files) out << "complete -c larder -n " << condition << " -F\n";
    if (!offered.words.empty())
      out << "complete -c larder -n " << condition << " -a " << fish_quote(join(offered.words, " "))
          << '\n';
  }
}

std::string format_fish(const DescribedCommand& whole) {
  std::ostringstream out;
  out << "# Completion of larder in fish, as 'larder completion fish' prints it.\n"
         "complete -c larder -f\n";
  format_fish_options(out, "__fish_use_subcommand", whole);
  for (const DescribedCommand& command : whole.commands)
    out << "complete -c larder -n __fish_use_subcommand -a " << command.name << " -d "
        << fish_quote(command.summary) << '\n';
  for (const DescribedCommand& command : whole.commands)
    format_fish_options(out, fish_quote("__fish_seen_subcommand_from " + command.name), command);
  return out.str();
}

// --- the command -------------------------------------------------------------

int print_completion(const CLI::App& app, const std::string& shell) {
  const DescribedCommand whole = describe(app);
  if (shell == "bash") std::cout << format_bash(whole);
  if (shell == "zsh") std::cout << format_zsh(whole);
  if (shell == "fish") std::cout << format_fish(whole);
  return std::cout.flush() ? exit_ok : exit_failed;
}

constexpr const char* footer =
    R"(Debian's package has the scripts installed. Without it, in ~/.bashrc, in ~/.zshrc after compinit, or once:

Examples:
  source <(larder completion bash)
  source <(larder completion zsh)
  larder completion fish >~/.config/fish/completions/larder.fish

Exit codes: 0 printed; 1 it could not be written; 2 wrong usage, or an unknown shell.)";

}  // namespace

void add_completion(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("completion", "Print a script that completes larder in a shell");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("{bash,zsh,fish}");
  command->footer(footer);
  command->callback([&app, shell, &code] { code = print_completion(app, *shell); });
}

}  // namespace larder::commands
