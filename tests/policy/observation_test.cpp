#include "policy/observation.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr Moment start{1'000'000s};

ObservedAnswer answer(Moment asked, std::string_view path = "/a/", std::uint64_t content = 1,
                      std::uint64_t user = 0) {
  return {.path = path,
          .credentials = user,
          .content = content,
          .asked = asked,
          .answered = asked + 10ms,
          .status = 200};
}

std::uint64_t requests_in(const Observations& observed) {
  std::uint64_t requests = 0;
  for (const SeenAnswer& seen : observed.answers())
    if (observed.urls().has(seen.url)) requests += seen.requests();
  return requests;
}

TEST_CASE("Observations: what says nothing new is folded") {
  struct Case {
    const char* name;
    std::vector<ObservedAnswer> answers;
    bool has_write;  ///< after the first
    std::size_t kept;
  };
  const Case cases[] = {
      {"the same a moment later", {answer(start), answer(start + 1s)}, false, 1},
      {"the same much later", {answer(start), answer(start + 1001ms)}, false, 2},
      {"something else", {answer(start), answer(start + 1s, "/a/", 2)}, false, 2},
      {"another user", {answer(start), answer(start + 1s, "/a/", 1, 5)}, false, 2},
      {"another URL", {answer(start), answer(start + 1s, "/b/")}, false, 2},
      {"the same after a write", {answer(start), answer(start + 1s)}, true, 2},
      {"the same after something else",
       {answer(start), answer(start + 100ms, "/a/", 2), answer(start + 200ms)},
       false,
       3},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Observations observed(10);
    for (std::size_t i = 0; i < c.answers.size(); ++i) {
      if (i == 1 && c.has_write)
        observed.note(
            ObservedWrite{.method_text = "POST", .path = "/x/", .answered = start + 500ms});
      observed.note(c.answers[i]);
    }
    CHECK(observed.answers().size() == c.kept);
    CHECK(requests_in(observed) == c.answers.size());
  }
}

TEST_CASE("Observations: however much is seen, no more is kept than it says") {
  constexpr std::size_t most_urls = 50;
  Observations observed(most_urls);
  Moment now = start;
  for (int i = 0; i < 20'000; ++i) {
    now += 2s;
    const std::string path = "/items/" + std::to_string(i % 40) + "/";
    observed.note(answer(now, path, 1, static_cast<std::uint64_t>(i % 7)));
    observed.note(ObservedWrite{.method_text = "POST", .path = path, .answered = now});
    CHECK(observed.answers().size() <= most_urls * Observations::answers_per_url);
    CHECK(observed.writes().size() <= Observations::most_writes);
  }
  CHECK(observed.since() > start);
  CHECK(observed.answers().front().asked >= observed.since());
}

TEST_CASE("Observations: room is made by folding before anything is forgotten") {
  constexpr std::size_t most_urls = 50;
  Observations observed(most_urls);
  constexpr int times = 2'000;
  for (int i = 0; i < times; ++i) observed.note(answer(start + i * 2s));
  CHECK(observed.since() == start);
  CHECK(requests_in(observed) == times);
}

TEST_CASE("Observations: folding leaves the order by which users' own answers are told") {
  Observations observed(10);
  for (int i = 0; i < 200; ++i) {
    const bool is_alice = i % 2 == 0;
    observed.note(answer(start + i * 100ms, "/a/", is_alice ? 1 : 2, is_alice ? 1 : 2));
  }
  // Each comes after what the other got.
  const std::vector<SeenAnswer>& kept = observed.answers();
  for (std::size_t i = 1; i < kept.size(); ++i) CHECK(kept[i].content != kept[i - 1].content);
}

TEST_CASE("UrlTable: what is asked for most stays") {
  UrlTable urls(100);
  const UrlId list = urls.note("/api/list/", "", start);
  for (int i = 0; i < 5'000; ++i) {
    const Moment now = start + i * 1s;
    urls.note("/api/list/", "", now);
    urls.note("/api/items/" + std::to_string(i) + "/", "page=2", now);
  }
  CHECK(urls.size() == 100);
  REQUIRE(urls.has(list));
  CHECK(urls.at(list).requests == 5'001);
  const std::vector<DroppedUrls> dropped = urls.dropped();
  REQUIRE(dropped.size() == 1);
  CHECK(dropped.front().path.starts_with("/api/items/"));
  CHECK(dropped.front().requests == 5'000 - 99);
}

TEST_CASE("UrlTable: an id is of one URL, whatever takes its place") {
  UrlTable urls(1);
  const UrlId first = urls.note("/a/", "", start);
  const UrlId second = urls.note("/b/", "", start);
  CHECK_FALSE(urls.has(first));
  CHECK(urls.at(second).path == "/b/");
  CHECK_FALSE(urls.has(urls.note(std::string(UrlTable::longest, 'a'), "", start)));
}

}  // namespace
}  // namespace larder::policy
