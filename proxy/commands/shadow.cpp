// larder shadow: what rules in shadow would have done so far, and those that are verified have
// done.
#include <iostream>
#include <memory>

#include "commands/admin_call.hpp"
#include "commands/commands.hpp"

namespace larder::commands {

void add_shadow(CLI::App& app, int& code) {
  struct Given {
    config::Flags flags;
    bool as_json = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* command = app.add_subcommand("shadow",
                                         "Print what rules with 'mode: shadow' would have done, "
                                         "what verifying ('verify: 1%') has found "
                                         "of those that are on, and a verdict for each");
  command->add_flag("--json", given->as_json, "As a JSON object");
  add_admin_settings(*command, given->flags);
  command->footer(
      "Asks a running Larder's admin listener. Verdicts: promote (nothing wrong in 300 hits or "
      "more; of a\nrule that is on: holds), too-little, no-use, missing-evict (says which writes "
      "to "
      "name in evict_on),\nchanges-unseen, users-differ.\nExit code 0 when it was told, 1 when "
      "there was no answer.");
  command->callback([given, &code] {
    const std::optional<std::string> told =
        call_admin(given->flags, {.target = given->as_json ? "/shadow" : "/shadow?format=text"});
    if (told) std::cout << *told;
    code = told ? exit_ok : exit_failed;
  });
}

}  // namespace larder::commands
