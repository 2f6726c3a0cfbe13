#include "config/cases.hpp"

#include <string>

#include <doctest/doctest.h>

#include "files.hpp"

using namespace larder;
using namespace larder::config;

namespace {

const Environment no_environment = [](const std::string&) { return std::nullopt; };

std::string mistakes(const std::string& text) {
  const test::Folder folder;
  std::string all;
  for (const Finding& finding :
       load_cases(folder.write("a.test.yaml", text), no_environment).findings)
    all += std::to_string(finding.line) + ":" + std::to_string(finding.column) + " " +
           finding.message + "\n";
  return all;
}

}  // namespace

TEST_CASE("a case is read with all it says") {
  const test::Folder folder;
  const Cases cases = load_cases(folder.write("a.test.yaml", R"yaml(
cases:
  - name: one
    request: PATCH  /a/3/?x=1
    fields: {Accept: text/html, Cookie: a=b}
    user: 7
    peer: 203.0.113.9
    expect: {rule: a, key: k, share: everyone, outcome: lookup, reason: no-rule, tags: [t], evicts: [], keeps: x}
)yaml"),
                                 no_environment);
  REQUIRE(cases.ok());
  CHECK(cases.rules == folder.path() + "/a.yaml");
  REQUIRE(cases.cases.size() == 1);
  const Case& one = cases.cases.front();
  CHECK(one.place.line == 3);
  CHECK(one.method == "PATCH");
  CHECK(one.url == "/a/3/?x=1");
  CHECK(one.fields == std::vector<std::string>{"Accept: text/html", "Cookie: a=b"});
  CHECK(one.user == "7");
  CHECK(one.peer == "203.0.113.9");
  CHECK(one.expected.rule == "a");
  CHECK(one.expected.reason == "no-rule");
  REQUIRE(one.expected.evicts);
  CHECK(one.expected.evicts->empty());
  CHECK(one.expected.keeps == std::vector<std::string>{"x"});
}

TEST_CASE("what a case cannot mean is told with its place") {
  CHECK(mistakes("cases:\n  - reqest: GET /\n    expect: {rule: a}\n") ==
        "2:5 unknown key 'reqest' (did you mean 'request'?)\n"
        "2:5 a case needs 'request', such as GET /api/items/\n");
  CHECK(mistakes("cases:\n  - request: GET /\n    rule: a\n    expect: {outcome: hit}\n") ==
        "3:5 unknown key 'rule' here: it belongs below 'expect:'\n"
        "4:23 outcome: unknown word 'hit'; known are lookup and bypass\n");
  CHECK(mistakes("cases:\n  - request: /a/\n    expect: {}\n")
            .find("2:14 request: expected a "
                  "method and a path") == 0);
  CHECK(mistakes("cases: []\n") == "1:1 'cases:' is missing or empty\n");
  CHECK(mistakes("- x\n") == "1:1 a file of cases is a mapping: 'cases:' with a list below\n");
}

TEST_CASE("cases beside rules in a folder are no rules") {
  const test::Folder folder;
  (void)folder.write("a.yaml", "rules:\n  - {path: /a/, ttl: 1m}\n");
  (void)folder.write("a.test.yaml", "cases: []\n");
  const LoadResult loaded = load(folder.path(), no_environment, {});
  CHECK(loaded.ok());
  CHECK(loaded.config.routes.rules.size() == 1);
}
