#include "policy/log_estimate.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr Moment start{1'000'000s};

/// Plays a log, each line so long after the one before.
class Log {
 public:
  Log& get(std::string_view path, std::string_view query = {}, std::chrono::seconds later = 1s,
           std::uint16_t status = 200) {
    now_ += later;
    estimate_.note({.path = path, .query = query, .status = status, .moment = now_});
    return *this;
  }
  Log& write(http::Method method, std::string_view path, std::uint16_t status = 200) {
    now_ += 1s;
    estimate_.note({.method = method,
                    .method_text = method == http::Method::post ? "POST" : "PATCH",
                    .path = path,
                    .status = status,
                    .moment = now_});
    return *this;
  }
  [[nodiscard]] LogReport report() const { return estimate_.report(); }

 private:
  LogEstimate estimate_{1000};
  Moment now_{start};
};

TEST_CASE("LogEstimate: hits by ttl, of a list that is asked for again and again") {
  struct Case {
    const char* name;
    Log log;
    std::array<std::uint64_t, 5> hits;  ///< ttl of 10 s, 1 m, 5 m, 1 h, 1 d
  };
  const Case cases[] = {
      {"the first is none", Log().get("/a/"), {0, 0, 0, 0, 0}},
      {"within each ttl", Log().get("/a/").get("/a/"), {1, 1, 1, 1, 1}},
      {"at the end of one it is filled anew",
       Log().get("/a/").get("/a/", "", 60s),
       {0, 0, 1, 1, 1}},
      {"a ttl counts from the fill, not from the last hit",
       Log().get("/a/").get("/a/", "", 6s).get("/a/", "", 6s),
       {1, 2, 2, 2, 2}},
      {"a write to its own path evicts it",
       Log().get("/a/").write(http::Method::post, "/a/").get("/a/"),
       {0, 0, 0, 0, 0}},
      {"one to an object below it too",
       Log().get("/a/").write(http::Method::patch, "/a/7/").get("/a/"),
       {0, 0, 0, 0, 0}},
      {"one that was refused does not",
       Log().get("/a/").write(http::Method::post, "/a/", 403).get("/a/"),
       {1, 1, 1, 1, 1}},
      {"one to something else does not",
       Log().get("/a/").write(http::Method::post, "/b/").get("/a/"),
       {1, 1, 1, 1, 1}},
      {"other queries are other answers",
       Log().get("/a/", "page=1").get("/a/", "page=2"),
       {0, 0, 0, 0, 0}},
      {"trackers are not",
       Log().get("/a/", "page=1&utm_source=x").get("/a/", "page=1&gclid=y"),
       {1, 1, 1, 1, 1}},
      {"an error is not kept", Log().get("/a/", "", 1s, 500).get("/a/"), {0, 0, 0, 0, 0}},
      {"304 says what is there", Log().get("/a/", "", 1s, 304).get("/a/"), {1, 1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const LogReport report = c.log.report();
    REQUIRE(report.patterns.size() == 1);
    CHECK(report.patterns.front().hits == c.hits);
  }
}

TEST_CASE("LogEstimate: what is in no pattern is counted") {
  Log log;
  log.get("/a/").get("/b/", "", 1s, 404).get("/a//b/").write(http::Method::post, "/a/");
  const LogReport report = log.report();
  CHECK(report.gets == 3);
  CHECK(report.unwell == 1);
  CHECK(report.ambiguous == 1);
  CHECK(report.writes == 1);
  CHECK(report.observed == 3s);
}

TEST_CASE("LogEstimate: URLs that there is no room for are misses of their pattern") {
  LogEstimate estimate(100);
  for (int i = 0; i < 10'000; ++i) {
    const std::string path = "/items/" + std::to_string(i) + "/";
    estimate.note({.path = path, .status = 200, .moment = start + i * 1s});
  }
  const LogReport report = estimate.report();
  REQUIRE(report.patterns.size() == 1);
  CHECK(report.patterns.front().requests == 10'000);
  CHECK(report.patterns.front().urls == 100);
  CHECK(report.dropped == 9'900);
}

}  // namespace
}  // namespace larder::policy
