#include "policy/change_causes.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

constexpr Moment start{1'000'000s};

/// A list that is asked for each ten seconds: `count` answers, of which every `nth` is another.
std::vector<Interval> answers(int count, int nth) {
  std::vector<Interval> intervals;
  intervals.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    intervals.push_back({start + i * 10s, start + (i + 1) * 10s, nth > 0 && i % nth == nth - 1});
  return intervals;
}

/// Writes within every `nth` of these, `first` being the first.
WriteKind writes(std::string prefix, int count, int nth, int first) {
  WriteKind kind{std::move(prefix), {}};
  for (int i = first; i < count; i += nth) kind.answered.push_back(start + i * 10s + 5s);
  return kind;
}

TEST_CASE("find_causes") {
  struct Case {
    const char* name;
    std::vector<Interval> intervals;
    std::vector<Moment> own;
    std::vector<WriteKind> kinds;
    std::vector<std::string> named;
    std::uint64_t unexplained;
  };
  const Case cases[] = {
      {"nothing changed", answers(100, 0), {}, {writes("/admin/a/", 100, 10, 3)}, {}, 0},
      {"a write before each change",
       answers(100, 20),
       {},
       {writes("/admin/a/", 100, 20, 19)},
       {"/admin/a/"},
       0},
      {"no write at all", answers(100, 20), {}, {}, {}, 5},
      {"a write that comes all the time is no cause",
       answers(100, 20),
       {},
       {writes("/api/token/", 100, 1, 0)},
       {},
       5},
      {"nor beside the one that is",
       answers(100, 20),
       {},
       {writes("/api/token/", 100, 1, 0), writes("/admin/a/", 100, 20, 19)},
       {"/admin/a/"},
       0},
      {"a write elsewhere in time",
       answers(100, 20),
       {},
       {writes("/admin/a/", 100, 20, 18)},
       {},
       5},
      {"two that take turns",
       answers(100, 20),
       {},
       {writes("/admin/a/", 100, 40, 19), writes("/admin/b/", 100, 40, 39)},
       {"/admin/a/", "/admin/b/"},
       0},
      {"one of two changes is a task's",
       answers(100, 20),
       {},
       {writes("/admin/a/", 100, 40, 19)},
       {"/admin/a/"},
       2},
      {"what its own path evicts needs no name",
       answers(100, 20),
       writes("", 100, 20, 19).answered,
       {writes("/admin/a/", 100, 20, 19)},
       {},
       0},
      {"of two that say the same the narrower",
       answers(100, 20),
       {},
       {writes("/admin/", 100, 20, 19), writes("/admin/a/", 100, 20, 19)},
       {"/admin/a/"},
       0},
      {"too few answers to tell a cause from an accident",
       answers(6, 3),
       {},
       {writes("/admin/a/", 6, 3, 2)},
       {},
       2},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Causes causes = find_causes(c.intervals, c.own, c.kinds);
    std::vector<std::string> named;
    for (const Cause& cause : causes.named) named.push_back(cause.prefix);
    CHECK(named == c.named);
    CHECK(causes.unexplained == c.unexplained);
  }
}

TEST_CASE("group_writes: by what evict_on would say") {
  struct Case {
    const char* path;
    const char* prefix;
  };
  const Case cases[] = {
      {"/admin/ai/aimodel/3/change/", "/admin/ai/aimodel/"},
      {"/admin/ai/aimodel/gpt-4/change/", "/admin/ai/aimodel/"},
      {"/admin/ai/aimodel/add/", "/admin/ai/aimodel/"},
      {"/admin/ai/aimodel/", "/admin/ai/aimodel/"},
      {"/api/teams/3/import/", "/api/teams/"},
      {"/api/notices/", "/api/notices/"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    const std::deque<SeenWrite> writes{{http::Method::post, "POST", c.path, start}};
    const std::vector<WriteKind> kinds = group_writes(writes);
    REQUIRE_FALSE(kinds.empty());
    const bool is_there = std::any_of(
        kinds.begin(), kinds.end(), [&](const WriteKind& kind) { return kind.prefix == c.prefix; });
    CHECK(is_there);
    for (const WriteKind& kind : kinds) CHECK(std::string_view(c.path).starts_with(kind.prefix));
  }
}

TEST_CASE("group_writes: nothing that would stand for everything, or could not be written") {
  const std::deque<SeenWrite> writes{{http::Method::post, "POST", "/", start},
                                     {http::Method::post, "POST", "/5/", start},
                                     {http::Method::post, "POST", "/a\nb/", start},
                                     {http::Method::post, "POST", "/%C3%B6/", start}};
  CHECK(group_writes(writes).empty());
}

}  // namespace
}  // namespace larder::policy
