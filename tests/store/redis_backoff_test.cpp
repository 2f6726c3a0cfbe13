#include "store/redis_backoff.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace larder::store {
namespace {

using namespace std::chrono_literals;
using Loss = RedisBackoff::Loss;
using std::chrono::milliseconds;

/// How a connection went before it was lost.
struct Life {
  bool ready = false;
  milliseconds answered{0};  ///< after its greeting, the last time
  milliseconds lost{0};      ///< likewise
  Loss loss = Loss::free;
};

constexpr Life failed{};
constexpr Life greeting_overdue{.loss = Loss::overdue};
constexpr Life closed_at_once{.ready = true};
constexpr Life slow_at_work{.ready = true, .lost = 50ms, .loss = Loss::overdue};
constexpr Life slow_after_idling{.ready = true, .lost = 60s, .loss = Loss::overdue};
constexpr Life slow_at_times{.ready = true, .answered = 9s, .lost = 9'050ms, .loss = Loss::overdue};
constexpr Life steady_then_slow{
    .ready = true, .answered = 10s, .lost = 10'050ms, .loss = Loss::overdue};
constexpr Life lasting_then_closed{.ready = true, .answered = 1s, .lost = 1s};

struct Case {
  const char* name;
  std::vector<Life> lives;
  milliseconds longest;  ///< pause after the last of them
};

TEST_CASE("backoff: how long Redis is left alone") {
  const Case cases[] = {
      {"after the first failure", {failed}, 50ms},
      {"twice as long after the second", {failed, failed}, 100ms},
      {"within a second however many",
       {failed, failed, failed, failed, failed, failed, failed},
       1s},
      {"a greeting in vain costs nobody", {greeting_overdue, greeting_overdue}, 100ms},
      {"closed after each greeting: as a failure", {closed_at_once, closed_at_once}, 100ms},
      {"a connection that lasted ends the run", {failed, failed, lasting_then_closed}, 50ms},
      {"one reply that was overdue", {slow_at_work}, 50ms},
      {"and again", {slow_at_work, slow_at_work}, 1s},
      {"and again", {slow_at_work, slow_at_work, slow_at_work}, 2s},
      {"up to a bound",
       {slow_at_work, slow_at_work, slow_at_work, slow_at_work, slow_at_work, slow_at_work,
        slow_at_work, slow_at_work},
       16s},
      {"idling proves nothing", {slow_after_idling, slow_after_idling}, 1s},
      {"nor does answering now and then", {slow_at_times, slow_at_times, slow_at_times}, 2s},
      {"answering for long enough does", {slow_at_work, slow_at_work, steady_then_slow}, 50ms},
      {"attempts that fail in between do not end the run",
       {slow_at_work, failed, slow_at_work},
       1s},
      {"nor are they slowed down by it", {slow_at_work, slow_at_work, failed}, 200ms},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    RedisBackoff backoff;
    RedisBackoff::TimePoint now{};
    for (const Life& life : c.lives) {
      if (life.ready) backoff.ready(now);
      if (life.answered > 0ms) backoff.answered(now + life.answered);
      now += life.lost;
      backoff.lost(life.loss, now);
    }
    CHECK(backoff.pause(0) == c.longest / 2);
    CHECK(backoff.pause(0.5) == c.longest * 3 / 4);
    CHECK(backoff.pause(0.9999) <= c.longest);
    CHECK(backoff.pause(0.9999) >= c.longest * 9 / 10);
  }
}

}  // namespace
}  // namespace larder::store
