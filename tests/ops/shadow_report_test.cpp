#include "ops/shadow_report.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

namespace larder::ops {
namespace {

using namespace std::chrono_literals;
using policy::Detail;

std::string read(const std::string& name) {
  std::ifstream stream(std::string(LARDER_GOLDEN) + "/" + name, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// One of each verdict.
std::vector<ShadowedRule> rules() {
  return {
      {"clean",
       {.requests = 2'341, .hits = 2'041, .misses = 300, .changes_noticed = 12, .observed = 3h}},
      {"young", {.requests = 2, .hits = 1, .misses = 1, .observed = 34s}},
      {"doubtful", {.requests = 9, .hits = 8, .misses = 1, .undecided = 2, .observed = 34s}},
      {"edited in the admin",
       {.requests = 9'040,
        .hits = 9'001,
        .misses = 39,
        .stale_hits = 41,
        .stale_with_credentials = 30,
        .not_judged = 1,
        .changes_unseen = 3,
        .suspects = {{"POST", "/admin/ai/aimodel/<int>/change/", 3, 4},
                     {"POST", "/imports/", 2, 2},
                     {"POST", "/api/auth/token/", 1, 900}},
        .stale_example = "/api/ai/models/",
        .sampled = 0.25,
        .observed = 80h}},
      {"changed by a command",
       {.requests = 500,
        .hits = 499,
        .misses = 1,
        .stale_hits = 1,
        .changes_unseen = 1,
        .stale_example = "/api/notices/",
        .observed = 9min}},
      {"one's own in a public list",
       {.requests = 40,
        .hits = 39,
        .misses = 1,
        .users_differ = 1,
        .users_example = "/api/feed/",
        .observed = 9min}},
      {"never twice", {.requests = 400, .misses = 400, .observed = 9min}},
      {"not stored",
       {.requests = 400, .misses = 400, .refused = {{Detail::set_cookie, 400}}, .observed = 9min}},
  };
}

TEST_CASE("format_text: one rule of each verdict, frozen") {
  CHECK(format_text(rules()) == read("shadow.txt"));
}

TEST_CASE("format_text: without a rule to tell of it says how to get one") {
  CHECK(format_text({}) ==
        "no rule is in shadow or verified: write 'mode: shadow' or 'verify: 1%' into one\n");
}

TEST_CASE("format_json: says the same, and with numbers") {
  const boost::json::value json = boost::json::parse(format_json(rules()));
  const boost::json::value& edited = json.at("rules").as_array()[3];
  CHECK(edited.at("verdict") == "missing-evict");
  CHECK(edited.at("evict_on") == boost::json::array{"/admin/ai/aimodel/", "/imports/"});
  CHECK(edited.at("stale_rate").as_double() == doctest::Approx(41.0 / 9'000));
  CHECK(edited.at("stale_bound").as_double() > 41.0 / 9'000);
  for (const boost::json::value& line : edited.at("lines").as_array())
    CHECK(read("shadow.txt").find("  - " + std::string(line.as_string()) + "\n") !=
          std::string::npos);
}

}  // namespace
}  // namespace larder::ops
