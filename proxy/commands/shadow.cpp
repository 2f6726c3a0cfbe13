// larder shadow: what rules in shadow would have done so far, and those that are verified have
// done.
#include <iostream>
#include <memory>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"

namespace larder::commands {

namespace {

constexpr const char* footer =
    R"(Asks a running Larder's admin listener. A block for each rule: what it was asked, how often its answer would
have been old or another user's, after which write, and a verdict:

  promote         nothing was wrong in 300 hits or more
  holds           the same of a rule that is on, whose hits are verified
  too-little      too few hits to say
  no-use          hardly anything would have been a hit
  missing-evict   a write makes it old: named, for evict_on
  changes-unseen  it changes where no write through Larder comes before
  users-differ    two users get different content

Examples:
  larder shadow
  larder shadow --json

Exit codes: 0 printed; 1 not reached or refused; 2 wrong usage.)";

}  // namespace

void add_shadow(CLI::App& app, int& code) {
  struct Given {
    config::Flags flags;
    bool as_json = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand(
      "shadow", "Print what rules with 'mode: shadow' would have done, and a verdict for each");
  command->add_flag("--json", given->as_json, "As a JSON object");
  add_admin_settings(*command, given->flags);
  command->footer(footer);
  command->callback([given, &code] {
    const std::optional<std::string> told =
        call_admin(given->flags, {.target = given->as_json ? "/shadow" : "/shadow?format=text"});
    if (told) std::cout << *told;
    code = told ? exit_ok : exit_failed;
  });
}

}  // namespace larder::commands
