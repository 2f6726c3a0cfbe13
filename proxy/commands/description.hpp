// Description: what a command takes and does, as a value that its help, its manual page and its
// completion are written from. CLI11's definitions are the only source, so none can lag behind.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace larder::commands {

/// An option, a flag or an argument.
struct DescribedOption {
  std::vector<std::string> names;  ///< "-H", "--header"; of an argument its one name, "FILE"
  std::string value;               ///< "PATH"; empty: it takes none
  std::string help;
  std::string group;  ///< of which one is to be given; empty: none
  bool is_repeatable = false;
  bool is_required = false;
  bool is_hidden = false;  ///< from --help and completion

  /// "-H, --header FIELD...".
  [[nodiscard]] std::string shown() const;
};

/// What completion may offer in the place of a value.
struct Offered {
  bool files = false;              ///< the value is a PATH or FILE
  std::vector<std::string> words;  ///< those of "{token,session}", and of BOOLEAN
};
[[nodiscard]] Offered offered_for(const DescribedOption& option);

struct DescribedCommand {
  std::string name;  ///< "check"; of the whole, "larder"
  std::string summary;
  /// Prose: paragraphs, with blank lines between them. Lines that begin with two spaces stay as
  /// they are. "Examples:" and "Exit codes: 0 well; 1 ...; 2 wrong usage." begin their own.
  std::string footer;
  std::vector<DescribedOption> arguments;
  std::vector<DescribedOption> options;
  std::vector<DescribedCommand> commands;

  [[nodiscard]] std::string full_name() const;  ///< "larder check"
  [[nodiscard]] std::string usage() const;      ///< "larder check [OPTIONS] FILE..."
};

/// What stands together on a page: arguments, options, those of which one is to be given.
struct DescribedSection {
  std::string title;
  std::vector<DescribedOption> options;
};
/// Of what is shown; none is empty.
[[nodiscard]] std::vector<DescribedSection> sections_of(const DescribedCommand& command);

[[nodiscard]] DescribedCommand describe(const CLI::App& app);

/// What --help prints.
[[nodiscard]] std::string format_help(const DescribedCommand& command);

}  // namespace larder::commands
