#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/load.hpp"
#include "ops/asked_request.hpp"
#include "ops/explanation_text.hpp"

namespace larder::commands {

namespace {

struct Arguments {
  ops::Asked asked;
  config::Flags flags;
  bool json = false;
};

int fail(const std::string& what) {
  std::cerr << "larder: " << what << '\n';
  return exit_failed;
}

std::string place_of(const config::LoadResult& loaded, const policy::RouteRule* rule) {
  if (!rule) return {};
  const config::RulePlace& place =
      loaded.places[static_cast<std::size_t>(rule - loaded.config.routes.rules.data())];
  return place.file + ":" + std::to_string(place.rule.line);
}

int explain(Arguments arguments) {
  const std::string rules = take_rules(arguments.flags);
  if (rules.empty()) return fail("--rules is missing: without rules every request is passed on");
  const config::LoadResult loaded = config::load(rules, environment, arguments.flags);
  if (!report(loaded)) return exit_failed;
  const config::Settings& settings = loaded.config.settings;
  auto made = ops::AskedRequest::make(arguments.asked, settings);
  if (const auto* wrong = std::get_if<std::string>(&made)) return fail(*wrong);
  ops::AskedRequest& request = *std::get<std::unique_ptr<ops::AskedRequest>>(made);
  request.identify(settings,
                   std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));

  const policy::RouteIndex index(loaded.config.routes.rules);
  policy::Explanation explanation =
      policy::explain(request.explained(loaded.config.routes, index, settings));
  ops::Explained explained{.method = arguments.asked.method,
                           .target = request.target(),
                           .explanation = std::move(explanation),
                           .place = {},
                           .outcome = {},
                           .stored = {}};
  explained.place = place_of(loaded, explained.explanation.rule);
  explained.outcome = explained.explanation.outcome;
  std::cout << (arguments.json ? ops::format_json(explained) : ops::format_text(explained));
  return exit_ok;
}

constexpr const char* footer =
    R"help(Says which rule matches a request and why the ones before it do not, the key and its parts, what a
fill would ask Django for, the tags, what would happen and why, and what a write would evict. Nothing is
sent anywhere: the rules file is read as 'larder serve' would read it, settings and environment too, and
the same code decides.

Secrets are never shown: Authorization, cookies and what a token says are (set), or a digest as in Redis.

Examples:
  larder explain --rules rules/resumate.yaml GET '/api/notices/?page=2&utm_source=x'
  larder explain --rules rules/ GET /api/job-applications/ -H "Authorization: Bearer $TOKEN"
  larder explain --rules rules/ POST /admin/ai/aimodel/3/change/
  larder explain --rules rules/ --json GET https://example.org/api/ai/models/ --peer 203.0.113.9

Every setting of 'larder serve' is taken here, too (--session-cookies, --trusted-proxies, --jwt-claim ...).

Exit codes: 0 explained; 1 an error in the rules, or no request; 2 wrong usage.)help";

}  // namespace

void add_explain(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "explain", "Explain what becomes of a request: rule, key, tags, evictions, and why");
  const auto arguments = std::make_shared<Arguments>();
  add_settings(*command, arguments->flags);
  hide_settings(*command, {"rules"});
  command->add_option("METHOD", arguments->asked.method, "GET, POST, ...")->required();
  command->add_option("URL", arguments->asked.url, "Path and query, or a whole URL")->required();
  command
      ->add_option("-H,--header", arguments->asked.fields,
                   "A field of the request, as for curl: 'Accept: text/html'")
      ->type_name("FIELD")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--peer", arguments->asked.peer,
                   "Whose request it is: decides whether X-Forwarded-* are believed (127.0.0.1)")
      ->type_name("ADDRESS");
  command->add_flag("--json", arguments->json, "As JSON");
  command->footer(footer);
  command->callback([arguments, &code] { code = explain(*arguments); });
}

}  // namespace larder::commands
