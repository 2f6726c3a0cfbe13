#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"
#include "ops/stats_view.hpp"

namespace larder::commands {

namespace {

struct Options {
  config::Flags flags;
  bool watches = false;
  double interval = 1;  ///< seconds
  bool as_json = false;
};

/// The terminal, but for the line where the cursor waits.
ops::Screen screen_of_terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {.width = std::max<std::size_t>(size.ws_col, 40),
          .height = std::max<std::size_t>(size.ws_row, 2) - 1U};
}

/// From the top, line over line and without clearing before, so that nothing flickers.
std::string over_the_last(std::string_view page) {
  constexpr std::string_view home = "\x1b[H";
  constexpr std::string_view end_line = "\x1b[K\n";
  constexpr std::string_view clear_below = "\x1b[J";
  std::string drawn(home);
  for (const char letter : page) {
    if (letter == '\n')
      drawn += end_line;
    else
      drawn += letter;
  }
  return drawn.append(clear_below);
}

/// False: the answer makes no sense.
bool show(const std::string& answer, const std::optional<ops::Meanwhile>& meanwhile,
          bool is_screen) {
  const std::optional<std::string> page =
      ops::format_stats(answer, meanwhile, is_screen ? screen_of_terminal() : ops::Screen{});
  if (!page) {
    std::cerr << "larder: the answer makes no sense: " << answer;
    return false;
  }
  std::cout << (is_screen ? over_the_last(*page) : *page);
  return true;
}

int stats(const Options& options) {
  const bool is_screen = options.watches && !options.as_json && ::isatty(STDOUT_FILENO) == 1;
  std::string before;
  auto asked = std::chrono::steady_clock::now();
  for (;;) {
    std::optional<std::string> answer = call_admin(options.flags, {.target = "/stats"});
    if (!answer) return exit_failed;
    const auto now = std::chrono::steady_clock::now();
    const double passed = std::chrono::duration<double>(now - asked).count();
    asked = now;
    std::optional<ops::Meanwhile> meanwhile;
    if (!before.empty()) meanwhile = ops::Meanwhile{before, std::max(passed, 0.001)};
    if (options.as_json)
      std::cout << *answer;
    else if (!show(*answer, meanwhile, is_screen))
      return exit_failed;
    std::cout.flush();
    if (!options.watches) return exit_ok;
    if (!std::cout) return exit_failed;  // whoever read it has gone
    before = *std::move(answer);
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
  }
}

}  // namespace

void add_stats(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "stats", "Show what a running Larder has done: hit ratio, rules, memory, Redis, evictions");
  const auto options = std::make_shared<Options>();
  command->add_flag("--watch", options->watches, "Go on until interrupted, with the rates of now");
  command->add_option("--interval", options->interval, "Seconds between two looks (default 1)")
      ->check(CLI::Range(0.1, 3600.0).description(""))
      ->type_name("SECONDS");
  command->add_flag("--json", options->as_json, "Print /stats as it is: one line each time");
  add_admin_settings(*command, options->flags);
  command->footer(
      "`hits` is the part of all requests that was answered from the cache, fresh or stale; the\n"
      "origin's time that is saved is what its own fills took on average, for each hit. An admin\n"
      "listener that is no loopback address wants the admin token: LARDER_ADMIN_TOKEN, or a file\n"
      "named by --admin-token-file.\n\n"
      "Examples:\n"
      "  larder stats --watch\n"
      "  larder stats --json | jq '.rules[] | {rule, requests, hit}'\n\n"
      "Exit codes: 0 shown; 1 not reached or refused; 2 wrong usage.");
  command->callback([options, &code] { code = stats(*options); });
}

}  // namespace larder::commands
