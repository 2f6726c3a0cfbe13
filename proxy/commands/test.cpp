#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.hpp"
#include "commands/settings_flags.hpp"
#include "config/cases.hpp"
#include "config/load.hpp"
#include "ops/case_run.hpp"

namespace larder::commands {

namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string rules;
};

struct Count {
  std::size_t ok = 0;
  std::size_t not_ok = 0;
};

/// False: nothing could be run.
bool run(const std::string& file, const std::string& rules, Count& count) {
  const config::Cases cases = config::load_cases(file, environment);
  for (const config::Finding& finding : cases.findings)
    std::cerr << config::format_finding(finding) << '\n';
  if (!cases.ok()) return false;
  const std::string& path = rules.empty() ? cases.rules : rules;
  if (path.empty()) {
    std::cerr << file << ": error: no rules: say 'rules: FILE' there, or --rules, or call it "
              << "NAME.test.yaml beside NAME.yaml\n";
    return false;
  }
  const config::LoadResult loaded = config::load(path, environment, {});
  if (!loaded.ok()) return report(loaded);
  const policy::RouteIndex index(loaded.config.routes.rules);
  for (const config::Case& one : cases.cases) {
    const ops::CaseResult result = ops::run_case(one, loaded.config, index);
    const std::string request = one.method + " " + one.url;
    std::cout << (result.ok() ? "ok      " : "not ok  ") << file << ':' << one.place.line << "  "
              << (one.name.empty() ? request : one.name + " (" + request + ")") << '\n';
    for (const std::string& difference : result.differences)
      std::cout << "          " << difference << '\n';
    ++(result.ok() ? count.ok : count.not_ok);
  }
  return true;
}

int test(const Arguments& arguments) {
  Count count;
  bool all_run = true;
  for (const std::string& file : arguments.files)
    all_run = run(file, arguments.rules, count) && all_run;
  std::cout << count.ok + count.not_ok << " cases, " << count.not_ok << " not ok\n";
  return all_run && count.not_ok == 0 ? exit_ok : exit_failed;
}

constexpr const char* footer =
    R"help(A file of cases says what the rules are to make of requests, for CI. Nothing is sent anywhere.

  rules: rules.yaml             # beside it; NAME.test.yaml is about NAME.yaml by itself
  cases:
    - name: what is in no key is left out
      request: GET /api/items/?page=2&utm_source=x
      fields: {Accept: text/html}
      expect: {rule: items, key: "/api/items/?page=2", outcome: lookup}
    - request: PATCH /api/items/3/
      user: 7                   # whom a verified token speaks of
      expect: {evicts: [/api/items/, /api/items/3/], keeps: [/api/items/4/]}

  request  METHOD and path or URL
  fields   of the request
  user     whom a verified token in Authorization speaks of; its claim is a number or a text
  peer     whose request it is, for X-Forwarded-*; else one that is trusted
  expect   rule     the rule's name, or none
           key      the key with its parts filled in
           share    anonymous, everyone or per-user
           outcome  lookup: may be answered from what is stored; bypass: goes to Django
           reason   Cache-Status' detail, or its fwd: uri-miss, no-rule, credentials, method ...
           tags     some of what is stored for it is tagged by
           evicts   what a write makes old: paths, rules, tags; [] is nothing
           keeps    what it leaves

Examples:
  larder test rules/resumate.test.yaml
  larder test --rules rules/ tests/rules/*.test.yaml

Exit codes: 0 all as expected; 1 something is not, or a file has an error; 2 wrong usage.)help";

}  // namespace

void add_test(CLI::App& app, int& code) {
  CLI::App* command =
      app.add_subcommand("test", "Run cases: requests, and what the rules are to make of them");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->files, "Files of cases")->required()->type_name("PATH");
  command->add_option("--rules", arguments->rules, "Rules in place of those that the files name")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command->footer(footer);
  command->callback([arguments, &code] { code = test(*arguments); });
}

}  // namespace larder::commands
