#include "ops/stats_view.hpp"

#include <fstream>
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
  CHECK(format_stats(read("stats.json"), {}) == read("stats.txt"));
}

TEST_CASE("format_stats: with what happened meanwhile, on a narrow terminal") {
  const std::string before = read("stats-before.json");
  CHECK(format_stats(read("stats.json"), Meanwhile{before, 2}, 64) == read("stats-watch.txt"));
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
