// Redis that lets nobody in, refuses work, or is slow at it, and what the log and the counts say of
// it (reliability R3, R4, R8).

#include <doctest/doctest.h>

#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"
#include "support/log_capture.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

TEST_CASE("R8: AUTH that was renamed quotes the password, and the log does not") {
  RedisServer redis({"--rename-command", "AUTH", ""});
  LogCapture log;
  config::RedisSettings settings = redis.settings();
  settings.password = "very-secret";
  TestStore a(TestStore::make_shared(0), settings);
  CHECK(a.until([&] { return log.says("unknown command"); }));
  CHECK_FALSE(log.says("very-secret"));
}

TEST_CASE("R4: what Redis refuses to store is counted each time, and said once") {
  RedisServer redis;
  LogCapture log;
  TestStore a(TestStore::make_shared(0), redis.settings());
  REQUIRE(a.until_available());
  const Stamps known = a.stamps(models).value();
  redis.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  redis.command({"CONFIG", "SET", "maxmemory", "1"});
  const long before = log.lines();
  for (int i = 0; i < 5; ++i)
    CHECK(a.put("k", models, known, make_response("x")) == PutOutcome::unavailable);
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(a.run(a.store->begin_fill("k", stats, {}, nullptr)).stamps);
  CHECK(a.shared->failures == 10);
  CHECK(log.says("OOM"));
  CHECK(log.lines() == before + 1);
  redis.command({"CONFIG", "SET", "maxmemory", "64mb"});
  CHECK(a.fill("k", models, "x") == PutOutcome::stored);
  CHECK(a.shared->failures == 10);
}

TEST_CASE("R8: a user who may not read: each lookup is counted, and it is said once") {
  RedisServer redis;
  REQUIRE_FALSE(
      redis.command({"ACL", "SETUSER", "larder", "on", ">pw", "~*", "+@all", "-mget"}).failed);
  LogCapture log;
  config::RedisSettings settings = redis.settings();
  settings.username = "larder";
  settings.password = "pw";
  TestStore a(TestStore::make_shared(0), settings);
  REQUIRE(a.until_available());
  const long before = log.lines();
  for (int i = 0; i < 5; ++i) CHECK(a.content("k", models) == "!");
  CHECK(a.shared->failures == 5);
  CHECK(log.says("NOPERM"));
  CHECK(log.lines() == before + 1);
}

/// A store on a server of the same loop.
struct Scripted {
  Scripted() : loop(TestStore::make_shared(0)), redis(loop.context) {
    loop.store = store::make_redis_store(*loop.shared, loop.context, redis.settings());
  }
  TestStore loop;
  ScriptedRedis redis;
};

TEST_CASE("writes while a connection is being made leave it alone, and it delivers them") {
  Scripted scripted;
  TestStore& a = scripted.loop;
  int begun = 0;
  int written = 0;
  const auto write = [&]() -> awaitable<void> {
    policy::Tags tags;
    tags.push_back("p:/api/models");
    const EvictOutcome outcome = co_await a.store->evict(std::move(tags));
    CHECK(outcome == EvictOutcome::deferred);
    ++written;
  };
  scripted.redis.set_script([&](const Words& words) {
    // Each word of the greeting meets a write.
    if (words[0] == "PING" || words[0] == "INFO") {
      ++begun;
      asio::co_spawn(a.context, write(), asio::detached);
    }
    return ScriptedRedis::answer(words);
  });
  REQUIRE(a.until_available());
  CHECK(begun > 0);
  CHECK(written == begun);
  CHECK(scripted.redis.connections() == 1);
  CHECK_FALSE(a.shared->pending.any());
  const std::vector<Words>& commands = scripted.redis.commands();
  CHECK(std::any_of(commands.begin(), commands.end(), [](const Words& words) {
    return std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word.find("p:/api/models") != std::string::npos;
    });
  }));
}

TEST_CASE("R3: quick to greet and slow at work: left alone for longer each time") {
  Scripted scripted;
  TestStore& a = scripted.loop;
  scripted.redis.set_script([](const Words& words) {
    const bool greets =
        words[0] == "PING" || words[0] == "INFO" || words[0] == "SELECT" || words[0] == "SCRIPT";
    return greets ? ScriptedRedis::answer(words) : std::string();
  });
  // The first is forgiven, the second costs half a second at the least.
  for (int i = 0; i < 2; ++i) {
    REQUIRE(a.until_available());
    CHECK(a.content("k", models) == "!");
  }
  const auto lost = SteadyClock::now();
  REQUIRE(a.until_available());
  CHECK(SteadyClock::now() - lost >= 450ms);
  CHECK(scripted.redis.connections() == 3);
}

}  // namespace
}  // namespace larder::test
