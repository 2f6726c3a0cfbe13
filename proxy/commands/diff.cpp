#include <iostream>
#include <memory>
#include <string>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/load.hpp"
#include "config/rules_diff.hpp"

namespace larder::commands {

namespace {

using policy::RouteRule;

struct Arguments {
  std::string before;
  std::string after;
};

std::string place_of(const config::LoadResult& loaded, const RouteRule* rule) {
  const config::RulePlace& place =
      loaded.places[static_cast<std::size_t>(rule - loaded.config.routes.rules.data())];
  return rule->name + "  " + place.file + ":" + std::to_string(place.rule.line);
}

std::string name_of(const RouteRule* rule) {
  if (!rule) return "none (passed on)";
  return rule->name + (rule->mode == policy::Mode::off ? " (off)" : "");
}

void print(const config::LoadResult& before, const config::LoadResult& after,
           const config::RulesDiff& diff) {
  for (const RouteRule* rule : diff.removed)
    std::cout << "removed  " << place_of(before, rule) << '\n';
  for (const RouteRule* rule : diff.added)
    std::cout << "added    " << place_of(after, rule) << '\n';
  for (const RouteRule* rule : diff.moved)
    std::cout << "moved    " << place_of(after, rule) << '\n';
  for (const config::ChangedRule& changed : diff.changed) {
    std::cout << "changed  " << place_of(after, changed.after) << '\n';
    for (const config::ChangedKey& key : changed.keys)
      std::cout << "           " << key.key << ": " << key.before << " -> " << key.after << '\n';
    if (changed.stores_anew)
      std::cout << "           what is stored under it will not be used again\n";
  }
  for (const config::ChangedMatch& match : diff.matches)
    std::cout << "url      " << match.path << ": " << name_of(match.before) << " -> "
              << name_of(match.after) << '\n';
}

int diff(const Arguments& arguments) {
  const config::LoadResult before = config::load(arguments.before, environment, {});
  const config::LoadResult after = config::load(arguments.after, environment, {});
  const bool are_read = before.ok() && after.ok();
  // Warnings are for `larder check`.
  if (!before.ok()) (void)report(before);
  if (!after.ok()) (void)report(after);
  if (!are_read) return exit_usage;
  const config::RulesDiff found = config::compare(before.config.routes, after.config.routes);
  print(before, after, found);
  return found.is_empty() ? exit_ok : exit_failed;
}

constexpr const char* footer =
    R"help(Rules are the same when they have the same name. Says which were added, removed, moved and changed,
key by key; where key, share, path, vary or tags changed, what is stored under the rule will not be used
again, so the first requests after a deployment go to Django. For each path pattern whose requests fall
under another rule than before it shows an example URL. Settings are not compared.

Examples:
  larder diff rules/resumate.yaml rules/resumate.new.yaml
  git show main:rules.yaml > /tmp/old.yaml; larder diff /tmp/old.yaml rules.yaml

Exit codes, as those of diff: 0 the same; 1 something differs; 2 wrong usage, or an error in the rules.)help";

}  // namespace

void add_diff(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("diff", "Compare two sets of rules: what changes, and for which URLs");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("OLD", arguments->before, "Rules file, or folder of them")
      ->required()
      ->type_name("PATH");
  command->add_option("NEW", arguments->after, "Rules file, or folder of them")
      ->required()
      ->type_name("PATH");
  command->footer(footer);
  command->callback([arguments, &code] { code = diff(*arguments); });
}

}  // namespace larder::commands
