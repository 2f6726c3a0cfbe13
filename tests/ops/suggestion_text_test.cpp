// Suggestion text: word for word (tests/golden/suggested.yaml), and a rules file that is one.
// LARDER_WRITE_EXPECTED=1 writes the golden text instead: read the difference before it is
// committed.
#include "ops/suggestion_text.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "config/files.hpp"
#include "support/planted_site.hpp"

namespace larder::ops {
namespace {

const std::string golden = std::string(LARDER_GOLDEN) + "/suggested.yaml";

std::string read_golden() {
  std::ifstream stream(golden, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST_CASE("format_rules: an afternoon's suggestions, word for word") {
  const std::string text = format_rules(policy::make_suggestions(policy::observe_afternoon(1)));
  if (std::getenv("LARDER_WRITE_EXPECTED")) std::ofstream(golden, std::ios::binary) << text;
  CHECK(text == read_golden());
}

TEST_CASE("format_rules: what is printed is read as it was meant") {
  struct Case {
    const char* name;
    int steps;
    std::size_t rules;
  };
  const Case cases[] = {
      {"nothing seen", 0, 0},
      {"too little seen: rules in comments", 400, 0},
      {"an afternoon", policy::PlantedSite::afternoon, 6},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const policy::Suggestions found =
        policy::make_suggestions(policy::observe_afternoon(1, c.steps));
    const std::string text = format_rules(found);
    CAPTURE(text);
    const config::LoadResult read =
        test::load_text(text, {{"LARDER_JWT_SECRET", "0123456789012345678901234567890123456789"}});
    CHECK(test::describe(read) == "");
    CHECK(read.config.routes.rules.size() == c.rules);
    std::size_t next = 0;
    for (const policy::Suggestion& suggestion : found.list) {
      if (suggestion.standing != policy::Standing::suggested) continue;
      const policy::RouteRule& rule = read.config.routes.rules.at(next++);
      CHECK(rule.paths.front().text == suggestion.pattern);
      CHECK(rule.ttl == suggestion.rule.ttl);
      CHECK(rule.share == suggestion.rule.share);
      CHECK(rule.evict_on.size() == suggestion.rule.evict_on.size());
      CHECK(rule.key.counts_parameter("utm_source") == suggestion.rule.ignored.empty());
    }
  }
}

TEST_CASE("format_rules: what is refused is kept out of a wider rule below") {
  policy::Suggestions found;
  found.list.resize(2);
  found.list[0].pattern = "/news/me/";
  found.list[0].reasons = {"answers differ between users"};
  found.list[0].is_to_be_kept_out = true;
  found.list[1].pattern = "/news/<slug:slug>/";
  found.list[1].standing = policy::Standing::suggested;
  found.list[1].rule.ttl = std::chrono::seconds(60);
  const config::LoadResult read = test::load_text(format_rules(found));
  CHECK(test::describe(read) == "");
  REQUIRE(read.config.routes.rules.size() == 2);
  CHECK(read.config.routes.rules[0].mode == policy::Mode::off);
  CHECK(read.config.routes.rules[1].mode == policy::Mode::on);
}

}  // namespace
}  // namespace larder::ops
