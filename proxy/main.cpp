// larder: the command line. What a command does stands in commands/.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <CLI/CLI.hpp>

#include "commands/commands.hpp"

namespace {

/// A closed standard stream would give its number to the next file or socket, and that would then
/// get what is written to the stream.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is this one, since those below are open by now.
    if (::fcntl(stream, F_GETFD) < 0) (void)!::open("/dev/null", O_RDWR);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace larder::commands;
  open_standard_streams();
  // A client or a log reader that has gone is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a log that drops lines
  CLI::App app("Larder: a caching reverse proxy in front of a Django API");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("larder ") + LARDER_VERSION);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int shown = app.exit(error);
    return shown == 0 ? exit_ok : exit_usage;
  }
  return code;
}
