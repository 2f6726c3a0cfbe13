// larder: the command line. What a command does stands in commands/.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "commands/commands.hpp"
#include "commands/description.hpp"
#include "commands/usage_error.hpp"

namespace {

/// A closed standard stream would give its number to the next file or socket, and that would then
/// get what is written to the stream.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is this one, since those below are open by now.
    if (::fcntl(stream, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);
  }
}

constexpr const char* footer =
    R"(Each command has a page of its own: 'larder COMMAND --help', or larder-COMMAND(1) where manual pages are
installed. Settings come from flags, then from the environment, then from the settings: block of the rules
file; 'larder serve --help' names them all.

Examples:
  larder check rules.yaml
  larder serve --rules rules.yaml --upstream http://127.0.0.1:8000
  larder explain --rules rules.yaml GET /api/items/

Exit codes: 0 well; 1 failed, or found errors; 2 wrong usage; 3 of 'serve': it ended with requests broken
off. Each command's page says what they mean there.)";

}  // namespace

int main(int argc, char** argv) {
  using namespace larder::commands;
  open_standard_streams();
  // A client or a log reader that has gone is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a log that drops lines
  CLI::App app("A caching reverse proxy in front of a Django API", "larder");
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(footer);
  app.formatter_fn([](const CLI::App* shown, const std::string&, CLI::AppFormatMode) {
    return format_help(describe(*shown));
  });
  app.set_version_flag("--version", std::string("larder ") + LARDER_VERSION,
                       "Print the version and exit");
  int code = exit_ok;
  add_serve(app, code);
  add_check(app, code);
  add_explain(app, code);
  add_diff(app, code);
  add_test(app, code);
  add_health(app, code);
  add_purge(app, code);
  add_reload(app, code);
  add_stats(app, code);
  add_shadow(app, code);
  add_suggest(app, code);
  add_completion(app, code);
  add_manual(app, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version end here too.
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << format_usage_error(app, error);
    return exit_usage;
  }
  return code;
}
