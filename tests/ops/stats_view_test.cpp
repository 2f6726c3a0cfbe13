#include "ops/stats_view.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

std::string read(const std::string& name) {
  std::ifstream stream(std::string(LARDER_GOLDEN) + "/" + name, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST_CASE("format_stats: the page, frozen") {
  CHECK(format_stats(read("stats.json"), {}).value_or("") == read("stats.txt"));
}

TEST_CASE("format_stats: with what happened meanwhile, on a narrow terminal") {
  const std::string before = read("stats-before.json");
  CHECK(format_stats(read("stats.json"), Meanwhile{before, 2}, {.width = 64}).value_or("") ==
        read("stats-watch.txt"));
}

TEST_CASE("format_stats: of the rules those that fit, the most asked for first") {
  std::string json = R"json({"requests": 100, "rules": [{"rule": "(none)", "requests": 999})json";
  for (int i = 0; i < 30; ++i)
    json += R"(, {"rule": "rule )" + std::to_string(i) + R"(", "requests": )" + std::to_string(i) +
            R"(, "in_force": )" + (i == 28 ? "false" : "true") + "}";
  const std::optional<std::string> page =
      format_stats(json + "]}", {}, {.width = 80, .height = 24});
  REQUIRE(page);
  CHECK(std::count(page->begin(), page->end(), '\n') == 24);
  CHECK(page->find("rule 29 ") < page->find("rule 28 (gone) "));
  CHECK(page->find("no rule") == std::string::npos);
  CHECK(page->ends_with(" more\n"));
  for (std::size_t begin = 0; begin < page->size(); begin = page->find('\n', begin) + 1)
    CHECK(page->find('\n', begin) - begin <= 80);
  const auto all = format_stats(json + "]}", {}, {.width = 80});
  REQUIRE(all);
  CHECK(all->find("no rule") > all->find("rule 0 "));
  // No room for one of them: none.
  const auto none = format_stats(json + "]}", {}, {.width = 80, .height = 11});
  REQUIRE(none);
  CHECK(none->find("rule 29") == std::string::npos);
}

TEST_CASE("format_stats: what is no answer of /stats is none, and what is missing is left out") {
  CHECK_FALSE(format_stats("", {}));
  CHECK_FALSE(format_stats("[]", {}));
  CHECK_FALSE(format_stats("{}", {}));
  CHECK_FALSE(format_stats("<html>", {}));
  const auto least = format_stats(R"({"requests": 0})", {});
  REQUIRE(least);
  CHECK(least->find("requests   0, - from the cache\n") != std::string::npos);
  CHECK(format_stats(R"({"requests": 1, "rules": [3, {}], "backends": [null], "redis": []})", {}));
  // All but one is not all.
  const auto nearly = format_stats(R"({"requests": 100000, "hit": 99999})", {});
  REQUIRE(nearly);
  CHECK(nearly->find("99.9 % from the cache") != std::string::npos);
}

}  // namespace
}  // namespace larder::ops
