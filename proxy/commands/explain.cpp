#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/load.hpp"
#include "ops/admin_client.hpp"
#include "ops/asked_request.hpp"
#include "ops/explanation_text.hpp"

namespace larder::commands {

namespace {

constexpr std::chrono::seconds patience{5};

struct Arguments {
  ops::Asked asked;
  config::Flags flags;
  bool json = false;
  bool live = false;
};

int fail(const std::string& what) {
  std::cerr << "larder: " << what << '\n';
  return exit_failed;
}

/// In the content, so that no credentials stand in a URL.
std::string format_body(const Arguments& arguments) {
  const ops::Asked& asked = arguments.asked;
  boost::json::array fields;
  for (const std::string& field : asked.fields) fields.emplace_back(field);
  return boost::json::serialize(boost::json::object{{"method", asked.method},
                                                    {"url", asked.url},
                                                    {"fields", std::move(fields)},
                                                    {"peer", asked.peer},
                                                    {"format", arguments.json ? "json" : "text"}});
}

int explain_live(const Arguments& arguments) {
  const config::LoadResult loaded = config::load("", environment, arguments.flags);
  if (!report(loaded)) return exit_failed;
  const config::Settings& settings = loaded.config.settings;
  if (!settings.admin) return fail("the admin listener is off, so there is nobody to ask");
  const ops::AdminReply reply = ops::ask_admin(*settings.admin,
                                               {.method = "POST",
                                                .target = "/explain",
                                                .body = format_body(arguments),
                                                .token = settings.admin_token},
                                               patience);
  if (!reply.failure.empty()) return fail(reply.failure);
  if (reply.status != 200) {
    std::cerr << "larder: answered " << reply.status << ": " << reply.body;
    return exit_failed;
  }
  std::cout << reply.body;
  return exit_ok;
}

int explain(Arguments arguments) {
  if (arguments.live) return explain_live(arguments);
  const std::string rules = take_rules(arguments.flags);
  if (rules.empty()) return fail("say --rules FILE, or --live to ask a running Larder");
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
                           .outcome = {},
                           .stored = {}};
  explained.outcome = explained.explanation.outcome;
  std::cout << (arguments.json ? ops::format_json(explained) : ops::format_text(explained));
  return exit_ok;
}

constexpr const char* footer =
    R"help(Says which rule matches a request and why the ones before it do not, the key and its parts, what a
fill would ask Django for, the tags, what would happen and why, and what a write would evict. Nothing is
sent to Django: the rules file is read as 'larder serve' would read it, settings and environment too, and
the same code decides.

With --live a running Larder is asked, at its admin listener (--admin, LARDER_ADMIN; LARDER_ADMIN_TOKEN
where it needs one). It answers by its own rules, with what is stored and the stamps of the tags. From
curl the field 'Larder-Explain: 1' of a trusted address does some of this for a real request.

Secrets are never shown: Authorization, cookies and what a token says are (set), or a digest as in Redis.

Examples:
  larder explain --rules rules/resumate.yaml GET '/api/notices/?page=2&utm_source=x'
  larder explain --rules rules/ GET /api/job-applications/ -H "Authorization: Bearer $TOKEN"
  larder explain --rules rules/ POST /admin/ai/aimodel/3/change/
  larder explain --live GET http://localhost:8080/api/ai/models/
  larder explain --rules rules/ --json GET https://example.org/api/ai/models/ --peer 203.0.113.9

Every setting of 'larder serve' is taken here, too (--session-cookies, --trusted-proxies, --jwt-claim ...).

Exit codes: 0 explained; 1 an error in the rules, no such request, or nobody answers; 2 wrong usage.)help";

}  // namespace

void add_explain(CLI::App& app, int& code) {
  CLI::App* command = app.add_subcommand(
      "explain", "Explain what becomes of a request: rule, key, tags, evictions, and why");
  const auto arguments = std::make_shared<Arguments>();
  add_settings(*command, arguments->flags);
  hide_settings(*command, {"rules", "admin"});
  command->add_option("METHOD", arguments->asked.method, "GET, POST, ...")
      ->required()
      ->type_name("{GET,HEAD,POST,PUT,PATCH,DELETE}");
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
  command->add_flag("--live", arguments->live,
                    "Ask a running Larder instead, which also says what is stored");
  command->add_flag("--json", arguments->json, "As JSON");
  command->footer(footer);
  command->callback([arguments, &code] { code = explain(*arguments); });
}

}  // namespace larder::commands
