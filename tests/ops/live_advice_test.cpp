#include "ops/live_advice.hpp"

#include <doctest/doctest.h>

#include "config/files.hpp"

namespace larder::ops {
namespace {

constexpr const char* rules = R"(rules:
  - name: public
    path: /a/
    ttl: 1m
    share: everyone
  - {name: own, path: /b/, ttl: 1m}
)";

std::string advise(std::string_view stats, std::string_view shadow) {
  const config::LoadResult loaded = test::load_text(rules);
  const auto findings = advise_live(loaded, stats, shadow);
  if (!findings) return "no sense";
  std::string text;
  for (const config::Finding& finding : *findings)
    text += std::to_string(finding.line) + ":" + std::to_string(finding.column) + " " +
            finding.name + ": " + finding.message.substr(0, finding.message.find(" under")) + "\n";
  return text;
}

TEST_CASE("advise_live: what was seen under a rule for everyone") {
  struct Case {
    const char* name;
    const char* stats;
    const char* shadow;
    const char* expected;
  };
  const Case cases[] = {
      {"nothing", R"({"rules": []})", R"({"rules": []})", ""},
      {"nothing of interest", R"({"rules": [{"rule": "public", "set_cookies": 0}]})",
       R"({"rules": [{"rule": "public", "users_differ": 0, "refused": {"no-store": 2}}]})", ""},
      {"cookies in fills", R"({"rules": [{"rule": "public", "set_cookies": 1}]})",
       R"({"rules": []})", "5:12 set-cookie: share: 1 answer\n"},
      {"cookies in shadow as well", R"({"rules": [{"rule": "public", "set_cookies": 1}]})",
       R"({"rules": [{"rule": "public", "refused": {"set-cookie": 2}}]})",
       "5:12 set-cookie: share: 3 answers\n"},
      {"differing users", R"({"rules": []})",
       R"({"rules": [{"rule": "public", "users_differ": 2}]})",
       "5:12 users-differ: share: 2 answers\n"},
      {"of a rule that is not for everyone", R"({"rules": [{"rule": "own", "set_cookies": 1}]})",
       R"({"rules": [{"rule": "own", "users_differ": 2}]})", ""},
      {"of no rule here", R"({"rules": [{"rule": "other", "set_cookies": 1}]})",
       R"({"rules": [{"rule": "other", "users_differ": 2}]})", ""},
      {"not of a Larder", "hello", R"({"rules": []})", "no sense"},
      {"nor this", R"({"rules": []})", "{}", "no sense"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(advise(c.stats, c.shadow) == c.expected);
  }
}

}  // namespace
}  // namespace larder::ops
