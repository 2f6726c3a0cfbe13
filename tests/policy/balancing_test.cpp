#include "policy/balancing.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>

namespace larder::policy {
namespace {

using namespace std::chrono_literals;
using Reason = BackendChoice::Reason;
using Change = BackendChange;

const SteadyTime start{std::chrono::hours(1)};
const BalancingLimits limits{.slow_start = 10s, .checks_to_leave = 3, .checks_to_return = 2};

Backend loaded(unsigned in_flight) {
  Backend backend;
  backend.in_flight = in_flight;
  return backend;
}
Backend ejected(SteadyTime since, SteadyTime until) {
  Backend backend;
  backend.failures = failures_to_eject;
  backend.ejections = 1;
  backend.out_since = since;
  backend.out_until = until;
  return backend;
}
Backend unhealthy(SteadyTime since) {
  Backend backend;
  backend.is_unhealthy = true;
  backend.out_since = since;
  return backend;
}

TEST_CASE("choose_backend") {
  struct Case {
    const char* name;
    Backends backends;
    std::vector<bool> tried;
    std::uint64_t turn;
    BackendChoice expected;
  };
  const Case cases[] = {
      {"the only one", {loaded(5)}, {false}, 7, {Reason::least_loaded, 0}},
      {"the less loaded one", {loaded(3), loaded(2)}, {false, false}, 0, {Reason::least_loaded, 1}},
      {"a tie on an even turn",
       {loaded(2), loaded(2)},
       {false, false},
       4,
       {Reason::least_loaded, 0}},
      {"a tie on an odd turn",
       {loaded(2), loaded(2)},
       {false, false},
       5,
       {Reason::least_loaded, 1}},
      {"not one that was tried",
       {loaded(0), loaded(9)},
       {true, false},
       0,
       {Reason::least_loaded, 1}},
      {"all have been tried", {loaded(0), loaded(0)}, {true, true}, 0, {Reason::none_left, 0}},
      {"not one that is ejected",
       {ejected(start - 1s, start + 1ns), loaded(9)},
       {false, false},
       0,
       {Reason::least_loaded, 1}},
      {"not one whose health checks fail",
       {unhealthy(start), loaded(9)},
       {false, false},
       0,
       {Reason::least_loaded, 1}},
      {"an ejected one once the others were tried",
       {ejected(start - 1s, start + 1s), loaded(9)},
       {false, true},
       0,
       {Reason::none_usable, 0}},
      {"all are out: the one that has been so for longest",
       {ejected(start - 1s, start + 1s), unhealthy(start - 2s), ejected(start - 1s, start + 9s)},
       {false, false, false},
       0,
       {Reason::none_usable, 1}},
      {"all are out, the one out for longest was tried",
       {ejected(start - 1s, start + 1s), unhealthy(start - 2s)},
       {false, true},
       0,
       {Reason::none_usable, 0}},
      {"alone and just back", {ejected(start - 1s, start)}, {false}, 1, {Reason::least_loaded, 0}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(choose_backend(c.backends, c.tried, limits, c.turn, start) == c.expected);
  }
}

TEST_CASE("choose_backend: a backend that is back gets a growing share") {
  struct Case {
    std::chrono::milliseconds served;
    int lowest;
    int highest;
  };
  // Of 1000 choices between it and another, both idle. Half of them would be its own.
  const Case cases[] = {
      {0ms, 30, 70}, {1s, 30, 70}, {5s, 220, 280}, {9999ms, 480, 510}, {10s, 500, 500}};
  for (const Case& c : cases) {
    CAPTURE(c.served.count());
    const Backends backends{ejected(start - 1s, start), Backend()};
    int chosen = 0;
    for (std::uint64_t turn = 0; turn < 1000; ++turn)
      chosen += choose_backend(backends, {false, false}, limits, turn, start + c.served).index == 0;
    CHECK(chosen >= c.lowest);
    CHECK(chosen <= c.highest);
  }
}

TEST_CASE("note_failure: ejected after so many in a row, each time for longer, within a bound") {
  Backends backends(2);
  SteadyTime now = start;
  for (unsigned i = 1; i < failures_to_eject; ++i) {
    CHECK(note_failure(backends, 0, now) == Change::none);
    CHECK(state_of(backends[0], limits, now) == BackendState::in);
  }
  CHECK(note_failure(backends, 0, now) == Change::ejected);
  for (const std::chrono::seconds length : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    CAPTURE(length.count());
    CHECK(state_of(backends[0], limits, now + length - 1ns) == BackendState::ejected);
    now += length;
    CHECK(state_of(backends[0], limits, now) == BackendState::starting);
    // One more failure is enough for a backend that has not answered since.
    CHECK(note_failure(backends, 0, now) == Change::ejected);
  }
}

TEST_CASE("note_success: failures count in a row only, and an ejected backend is back") {
  Backends backends(2);
  for (int i = 0; i < 10; ++i) {
    CHECK(note_failure(backends, 0, start) == Change::none);
    CHECK(note_failure(backends, 0, start) == Change::none);
    CHECK(note_success(backends, 0, start) == Change::none);
  }
  for (unsigned i = 1; i < failures_to_eject; ++i)
    CHECK(note_failure(backends, 0, start) == Change::none);
  CHECK(note_failure(backends, 0, start) == Change::ejected);
  CHECK(note_success(backends, 0, start + 500ms) == Change::back);
  CHECK(state_of(backends[0], limits, start + 500ms) == BackendState::starting);
  CHECK(state_of(backends[0], limits, start + 500ms + 10s) == BackendState::in);
  CHECK(note_success(backends, 0, start + 600ms) == Change::none);
}

TEST_CASE("note_failure: the last usable backend is never ejected") {
  Backends alone(1);
  for (int i = 0; i < 20; ++i) CHECK(note_failure(alone, 0, start) == Change::none);
  CHECK(state_of(alone[0], limits, start) == BackendState::in);

  Backends backends{Backend(), unhealthy(start - 1s), ejected(start - 1s, start + 1s)};
  for (int i = 0; i < 20; ++i) CHECK(note_failure(backends, 0, start) == Change::none);
  // Another one is back.
  CHECK(note_failure(backends, 0, start + 1s) == Change::ejected);
}

TEST_CASE("note_failure: being asked in need makes no ejection longer") {
  Backends backends{ejected(start, start + 1s), Backend()};
  CHECK(note_failure(backends, 0, start + 500ms) == Change::none);
  CHECK(state_of(backends[0], limits, start + 1s) == BackendState::starting);
}

TEST_CASE("note_check: out after three failed checks in a row, in after two passed ones") {
  struct Step {
    bool passed;
    Change expected;
  };
  const std::array<Step, 12> steps{{{true, Change::none},
                                    {false, Change::none},
                                    {false, Change::none},
                                    {true, Change::none},
                                    {false, Change::none},
                                    {false, Change::none},
                                    {false, Change::unhealthy},
                                    {false, Change::none},
                                    {true, Change::none},
                                    {false, Change::none},
                                    {true, Change::none},
                                    {true, Change::healthy}}};
  Backends backends(1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CAPTURE(i);
    CHECK(note_check(backends, 0, steps[i].passed, limits, start) == steps[i].expected);
  }
  CHECK(state_of(backends[0], limits, start) == BackendState::starting);
}

}  // namespace
}  // namespace larder::policy
