#include "session/collapse.hpp"

#include <atomic>
#include <functional>
#include <thread>

#include <doctest/doctest.h>

namespace larder::session {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Collapse: who joins a fill, and who has to start another") {
  struct Case {
    const char* name;
    store::Stamps fill_stamps, fill_local;
    store::Stamps stamps, local;
    SteadyClock::duration later;
    bool alone;
    bool joins;
  };
  const Case cases[] = {
      {"nothing was evicted since", {1, 2}, {3}, {1, 2}, {3}, 5s, false, true},
      {"a stamp has gone", {1, 2}, {3}, {1, 9}, {3}, 0s, false, false},
      {"evicted by this process, which Redis may not have heard of",
       {},
       {3},
       {},
       {4},
       0s,
       false,
       false},
      {"heard of late, when Redis says that it concerns this fill no more",
       {1, 2},
       {3},
       {1, 2},
       {4},
       0s,
       false,
       true},
      {"no-cache", {1, 2}, {3}, {1, 2}, {3}, 0s, true, false},
      {"Redis cannot say, and the fill is young", {}, {3}, {}, {3}, 900ms, false, true},
      {"Redis cannot say, and the fill is old", {}, {3}, {}, {3}, 1100ms, false, false},
      {"Redis could say then and cannot now", {1, 2}, {3}, {}, {3}, 0s, false, false},
      {"Redis could not say then and can now", {}, {3}, {1, 2}, {3}, 0s, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Collapse collapse;
    const SteadyClock::time_point begun = SteadyClock::now();
    const Collapse::Joined leader = collapse.join(
        "key", {.stamps = c.fill_stamps, .local = c.fill_local, .asked = begun, .now = begun});
    REQUIRE(leader.leads);
    const Collapse::Joined next = collapse.join("key", {.stamps = c.stamps,
                                                        .local = c.local,
                                                        .asked = begun + c.later,
                                                        .now = begun + c.later,
                                                        .alone = c.alone});
    CHECK(next.leads == !c.joins);
    CHECK((next.fill == leader.fill) == c.joins);
  }
}

TEST_CASE("Collapse: the newer fill takes the older one's place, whose end does not end it") {
  Collapse collapse;
  const SteadyClock::time_point now = SteadyClock::now();
  const Collapse::Joined before = collapse.join("key", {.stamps = {1}, .asked = now, .now = now});
  const Collapse::Joined after = collapse.join("key", {.stamps = {2}, .asked = now, .now = now});
  collapse.leave("key", before.fill);
  const Collapse::Joined late = collapse.join("key", {.stamps = {2}, .asked = now, .now = now});
  CHECK_FALSE(late.leads);
  CHECK(late.fill == after.fill);
  collapse.leave("key", after.fill);
  CHECK(collapse.join("key", {.stamps = {2}, .asked = now, .now = now}).leads);
}

TEST_CASE(
    "Collapse: an answer that is known is for those who had asked before, and while it is fresh") {
  struct Case {
    const char* name;
    std::function<void(Fill&)> end;
    SteadyClock::duration asked;  ///< after the answer came
    bool joins;
  };
  const auto stale = [](Fill& fill) { fill.note_answer(SteadyClock::now() - 1h); };
  const auto fresh = [](Fill& fill) { fill.note_answer(SteadyClock::now() + 60s); };
  const auto failed = [](Fill& fill) { fill.fail(FetchFailure::content_cut_off); };
  const auto unanswered = [](Fill&) {};
  const Case cases[] = {
      {"validated each time, asked before", stale, -1h, true},
      {"validated each time, asked after", stale, 1s, false},
      {"fresh, asked before", fresh, -1h, true},
      {"fresh, asked after", fresh, 1s, true},
      {"no longer fresh", fresh, 61s, false},
      {"failed, asked before", failed, -1h, true},
      {"failed, asked after", failed, 1s, false},
      {"not answered yet", unanswered, 1h, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Collapse collapse;
    const SteadyClock::time_point begun = SteadyClock::now();
    const Collapse::Joined leader =
        collapse.join("key", {.stamps = {1}, .asked = begun, .now = begun});
    c.end(*leader.fill);
    const SteadyClock::time_point now = SteadyClock::now();
    const Collapse::Joined next =
        collapse.join("key", {.stamps = {1}, .asked = now + c.asked, .now = now});
    CHECK(next.leads == !c.joins);
  }
}

TEST_SUITE("concurrent") {
  TEST_CASE("Collapse: of many at once exactly one leads") {
    for (int round = 0; round < 200; ++round) {
      Collapse collapse;
      std::atomic<int> leaders{0};
      std::atomic<bool> go{false};
      std::vector<std::thread> threads;
      threads.reserve(4);
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          while (!go) std::this_thread::yield();
          const SteadyClock::time_point now = SteadyClock::now();
          if (collapse.join("key", {.stamps = {1}, .asked = now, .now = now}).leads) ++leaders;
        });
      }
      go = true;
      for (std::thread& thread : threads) thread.join();
      CHECK(leaders == 1);
    }
  }
}

}  // namespace
}  // namespace larder::session
