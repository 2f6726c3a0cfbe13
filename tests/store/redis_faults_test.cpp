// Redis that dies, hangs, refuses, or is not ours alone (reliability R1 to R11).

#include <filesystem>
#include <iterator>

#include <doctest/doctest.h>

#include "store/redis_connecting.hpp"
#include "store/redis_figures.hpp"
#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"
#include "support/log_capture.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

constexpr std::uint64_t memory_size = 64 << 20;
/// Also a machine that runs other tests, with sanitizers, keeps to this.
constexpr auto slack = 400ms;

config::RedisSettings impatient(const RedisServer& redis) {
  config::RedisSettings settings = redis.settings();
  settings.timeout = 200ms;
  return settings;
}

std::unique_ptr<TestStore> connect(const config::RedisSettings& settings,
                                   std::uint64_t memory = memory_size) {
  auto made = std::make_unique<TestStore>(TestStore::make_shared(memory), settings);
  REQUIRE(made->until_available());
  return made;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// R1, R2: dead and hung ---------------------------------------------------------------------------

TEST_CASE("R1: killed, and started again empty: unavailable, then back; evictions first") {
  RedisServer redis;
  const auto a = connect(redis.settings());
  a->fill("k", models, "old");
  REQUIRE(a->content("k", models) == "old");
  redis.kill();
  CHECK(a->until([&] { return a->content("k", models) == "!"; }));
  CHECK_FALSE(a->stamps(models));
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::deferred);
  CHECK(a->shared->pending.any());
  redis.start();
  const auto began = SteadyClock::now();
  CHECK(a->until_available());
  CHECK(SteadyClock::now() - began < 2s);
  CHECK_FALSE(a->shared->pending.any());
  CHECK(a->content("k", models) == "-");
  CHECK(a->fill("k", models, "new") == PutOutcome::stored);
  CHECK(a->content("k", models) == "new");
}

TEST_CASE("R1: started again from an old dump: evictions that the dump forgot are not undone") {
  RedisServer redis;
  const auto a = connect(redis.settings());
  a->fill("k", models, "old");
  REQUIRE_FALSE(redis.command({"SAVE"}).failed);
  REQUIRE(a->evict({"p:/api/models"}) == EvictOutcome::done);
  redis.kill();
  CHECK(a->until([&] { return !a->store->is_available(); }));
  redis.start();
  REQUIRE(redis.keys("larder:1:v:k").size() == 1);
  REQUIRE(redis.keys("larder:1:s:p:/api/models").size() == 1);
  CHECK(a->until_available());
  CHECK(a->content("k", models) == "-");
  const auto other_process = connect(redis.settings());
  CHECK(other_process->content("k", models) == "-");
}

TEST_CASE("R2: hung: nobody waits beyond the deadline, and a late reply answers nobody") {
  RedisServer redis;
  const auto a = connect(impatient(redis));
  a->fill("k", models, "k");
  a->fill("other", stats, "other");
  redis.pause();
  const auto began = SteadyClock::now();
  CHECK(a->content("k", models) == "!");
  const auto waited = SteadyClock::now() - began;
  CHECK(waited >= 150ms);
  CHECK(waited < 200ms + slack);
  // Known to be down: nothing waits any more.
  const auto again = SteadyClock::now();
  for (int i = 0; i < 100; ++i) CHECK(a->content("k", models) == "!");
  CHECK(SteadyClock::now() - again < 150ms);
  redis.go_on();
  const auto back = SteadyClock::now();
  CHECK(a->until_available());
  CHECK(SteadyClock::now() - back < 2s);
  for (int i = 0; i < 20; ++i) {
    CHECK(a->content("other", stats) == "other");
    CHECK(a->content("k", models) == "k");
  }
}

TEST_CASE("R2: an eviction while it hangs is delivered before anything is served") {
  for (const std::uint64_t memory : {std::uint64_t{0}, memory_size}) {
    RedisServer redis;
    const auto a = connect(impatient(redis), memory);
    a->fill("k", models, "old");
    a->fill("other", stats, "other");
    CHECK(a->content("k", models) == "old");
    redis.pause();
    CHECK(a->evict({"p:/api/models"}) == EvictOutcome::deferred);
    CHECK(a->content("k", models) == "!");
    CHECK(a->content("other", stats) == "!");
    redis.go_on();
    CHECK(a->until([&] { return a->content("k", models) != "!"; }));
    CHECK(a->content("k", models) == "-");
    CHECK(a->content("other", stats) == "other");
    CHECK(a->until([&] { return redis.keys("larder:1:v:k").empty(); }));
  }
}

TEST_CASE("more evictions than can be remembered: everything goes") {
  RedisServer redis;
  const auto a = connect(impatient(redis));
  a->fill("k", models, "k");
  a->fill("other", stats, "other");
  redis.pause();
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::deferred);
  for (std::size_t i = 0; i <= store::PendingEvictions::limit; ++i) {
    policy::Tags tags{"p:/" + std::to_string(i)};
    a->shared->pending.add(tags);
  }
  redis.go_on();
  CHECK(a->until_available());
  CHECK(a->content("k", models) == "-");
  CHECK(a->content("other", stats) == "-");
}

TEST_CASE("one worker's eviction that Redis refused holds for all workers of the process") {
  RedisServer redis;
  const auto process = TestStore::make_shared(memory_size);
  TestStore a(process, redis.settings());
  TestStore b(process, redis.settings());
  REQUIRE(a.until_available());
  REQUIRE(b.until_available());
  a.fill("k", models, "old");
  CHECK(b.content("k", models) == "old");
  // R5: it became a replica of something, and reads only.
  REQUIRE_FALSE(redis.command({"REPLICAOF", "127.0.0.1", "1"}).failed);
  CHECK(a.evict({"p:/api/models"}) == EvictOutcome::deferred);
  CHECK(b.content("k", models) == "!");
  CHECK(a.content("k", models) == "!");
  REQUIRE_FALSE(redis.command({"REPLICAOF", "NO", "ONE"}).failed);
  // Whichever comes first delivers it; here only the other one's loop runs.
  CHECK(b.until_available());
  CHECK(b.content("k", models) == "-");
  CHECK(a.until_available());
  CHECK(a.content("k", models) == "-");
}

// R4, R8, R10 -------------------------------------------------------------------------------------

TEST_CASE("R4: out of memory: nothing is stored, evictions still work") {
  RedisServer redis;
  const auto a = connect(redis.settings(), 0);
  a->fill("k", models, "k");
  const Stamps known = a->stamps(models).value();
  redis.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  redis.command({"CONFIG", "SET", "maxmemory", "1"});
  CHECK(a->put("new", models, known, make_response("new")) == PutOutcome::unavailable);
  CHECK_FALSE(a->stamps(stats));
  CHECK(a->content("k", models) == "k");
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::done);
  CHECK(a->content("k", models) == "-");
  redis.command({"CONFIG", "SET", "maxmemory", "64mb"});
  CHECK(a->fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("R8: a wrong password: unavailable, said once, and not told to the log") {
  RedisServer redis({"--requirepass", "right-secret"});
  redis.password = "right-secret";
  LogCapture log;
  config::RedisSettings settings = redis.settings();
  settings.password = "wrong-secret";
  TestStore a(TestStore::make_shared(0), settings);
  CHECK(a.until([&] { return log.says("WRONGPASS"); }));
  CHECK_FALSE(a.until_available(300ms));
  CHECK_FALSE(log.says("secret"));
  const std::string text = log.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);

  settings.password = "right-secret";
  CHECK(connect(settings)->fill("k", models, "x") == PutOutcome::stored);
  settings.username = "default";
  CHECK(connect(settings)->content("k", models) == "x");
}

TEST_CASE("R8: a user who may not delete: the first eviction shows it, nothing is served then") {
  RedisServer redis;
  REQUIRE_FALSE(
      redis.command({"ACL", "SETUSER", "larder", "on", ">pw", "~*", "+@all", "-del"}).failed);
  config::RedisSettings settings = redis.settings();
  settings.username = "larder";
  settings.password = "pw";
  const auto a = connect(settings);
  a->fill("k", models, "old");
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::deferred);
  CHECK(a->content("k", models) == "!");
  CHECK_FALSE(a->until_available(300ms));
  REQUIRE_FALSE(redis.command({"ACL", "SETUSER", "larder", "+del"}).failed);
  CHECK(a->until_available());
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("R8: a user who may not ask for INFO: what was stored before is given up") {
  RedisServer redis;
  REQUIRE_FALSE(
      redis.command({"ACL", "SETUSER", "larder", "on", ">pw", "~*", "+@all", "-info"}).failed);
  config::RedisSettings settings = redis.settings();
  settings.username = "larder";
  settings.password = "pw";
  const auto a = connect(settings);
  CHECK(a->fill("k", models, "x") == PutOutcome::stored);
  CHECK(a->content("k", models) == "x");
  const auto b = connect(settings);
  CHECK(b->content("k", models) == "-");
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("its operator is told when Redis has no memory limit, or another policy") {
  RedisServer redis;
  struct Case {
    const char* limit;
    const char* policy;
    const char* expected;
  };
  const Case cases[] = {
      {"0", "allkeys-lru", "has no memory limit"},
      {"64mb", "noeviction", "maxmemory-policy is noeviction"},
      {"64mb", "allkeys-lru", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.policy);
    redis.command({"CONFIG", "SET", "maxmemory", c.limit});
    redis.command({"CONFIG", "SET", "maxmemory-policy", c.policy});
    LogCapture log;
    const auto process = TestStore::make_shared(0);
    TestStore a(process, redis.settings());
    TestStore b(process, redis.settings());
    CHECK(a.until_available());
    CHECK(b.until_available());
    const std::string text = log.text();
    CHECK(log.says("is in use"));
    CHECK(log.says("--maxmemory") == (*c.expected != '\0'));
    CHECK(log.says(c.expected));
    CHECK(std::count(text.begin(), text.end(), '\n') == (*c.expected != '\0' ? 2 : 1));
  }
}

TEST_CASE("R10: its connections are killed again and again: back each time, no descriptor lost") {
  RedisServer redis;
  const auto a = connect(redis.settings());
  a->fill("k", models, "x");
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 8; ++round) {
    redis.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    CHECK(a->until([&] { return !a->store->is_available(); }));
    CHECK(a->until_available());
    CHECK(a->content("k", models) == "x");
  }
  CHECK(open_descriptors() <= before);
}

TEST_CASE("R10: nobody listens: unavailable at once, one line in the log") {
  LogCapture log;
  config::RedisSettings settings;
  settings.endpoint = {"127.0.0.1", 1};
  TestStore a(TestStore::make_shared(0), settings);
  CHECK(a.content("k", models) == "!");
  CHECK_FALSE(a.until_available(500ms));
  CHECK(a.evict({"p:/api/models"}) == EvictOutcome::deferred);
  const std::string text = log.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(log.says("refused"));
}

TEST_CASE("a name that does not resolve is no more than unavailable") {
  config::RedisSettings settings;
  settings.endpoint = {"no-such-host.invalid", 6379};
  TestStore a(TestStore::make_shared(0), settings);
  CHECK(a.content("k", models) == "!");
  CHECK_FALSE(a.until_available(50ms));
}

TEST_CASE("bounded: beyond the queue's limit commands fail at once, the others at their deadline") {
  RedisServer redis;
  const auto a = connect(impatient(redis), 0);
  redis.pause();
  int done = 0;
  int at_once = 0;
  const auto ask = [&]() -> awaitable<void> {
    const Lookup found = co_await a->store->lookup("k", models);
    CHECK_FALSE(found.available);
    ++done;
    at_once += a->store->is_available() ? 1 : 0;  // the connection was not given up yet
  };
  constexpr int count = 3'000;  // two commands each
  for (int i = 0; i < count; ++i)
    asio::co_spawn(a->context, ask(), [](const std::exception_ptr&) {});
  CHECK(a->until([&] { return done == count; }, 3s));
  CHECK(at_once == count - 4'096 / 2);
  redis.go_on();
  CHECK(a->until_available());
}

TEST_CASE("destroyed while calls wait: they end, and touch nothing") {
  RedisServer redis;
  for (const bool closes : {false, true}) {
    CAPTURE(closes);
    int answered = 0;
    {
      const auto a = connect(redis.settings());
      a->fill("k", models, "x");
      const Stamps known = a->stamps(models).value();
      redis.pause();
      const auto ask = [&]() -> awaitable<void> {
        const Lookup found = co_await a->store->lookup("k", models);
        answered += found.available ? 0 : 1;
      };
      const auto write = [&]() -> awaitable<void> {
        policy::Tags tags;
        tags.push_back("p:/api/models");
        const EvictOutcome outcome = co_await a->store->evict(std::move(tags));
        answered += outcome == EvictOutcome::deferred ? 1 : 0;
      };
      for (int i = 0; i < 10; ++i) {
        asio::co_spawn(a->context, ask(), [](const std::exception_ptr&) {});
        asio::co_spawn(a->context, write(), [](const std::exception_ptr&) {});
      }
      for (int i = 0; i < 10; ++i) a->context.run_one_for(2ms);
      if (closes) {
        a->store->close();
        CHECK(a->until([&] { return answered == 20; }));
      }
      a->store.reset();
      redis.go_on();
    }
    CHECK(answered == (closes ? 20 : 0));
  }
}

// R11: foreign and corrupt values -----------------------------------------------------------------

TEST_CASE("R11: what is not ours under our keys is a miss, and gives way to what is") {
  RedisServer redis;
  const std::string value = "larder:1:v:k";
  struct Case {
    const char* name;
    std::vector<std::vector<std::string>> commands;
  };
  const Case cases[] = {
      {"nothing", {{"DEL", value}}},
      {"an empty text", {{"SET", value, ""}}},
      {"a list", {{"DEL", value}, {"RPUSH", value, "x"}}},
      {"a set", {{"DEL", value}, {"SADD", value, "h", "b"}}},
      {"a hash of other fields", {{"DEL", value}, {"HSET", value, "x", "y"}}},
      {"no head", {{"HDEL", value, "h"}}},
      {"no content", {{"HDEL", value, "b"}}},
      {"an empty head", {{"HSET", value, "h", ""}}},
      {"a random head", {{"HSET", value, "h", std::string(400, 'r')}}},
      {"another content", {{"HSET", value, "b", "other"}}},
      {"another key's value", {{"COPY", "larder:1:v:other", value, "REPLACE"}}},
      {"a stamp that is none", {{"SET", "larder:1:s:p:/api/models", "x"}}},
      {"an empty stamp", {{"SET", "larder:1:s:r:models", ""}}},
      {"another stamp", {{"SET", "larder:1:s:b:/", "0123456789abcdef"}}},
      {"a stamp of another type", {{"DEL", "larder:1:s:b:/"}, {"RPUSH", "larder:1:s:b:/", "x"}}},
      {"indexes of another type",
       {{"DEL", "larder:1:i:r:models", value}, {"SET", "larder:1:i:r:models", "x"}}},
  };
  for (const std::uint64_t memory : {std::uint64_t{0}, memory_size}) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      redis.command({"FLUSHALL"});
      const auto a = connect(redis.settings(), memory);
      const auto b = connect(redis.settings(), memory);
      a->fill("other", models, "right");
      a->fill("k", models, "right");
      REQUIRE(b->content("k", models) == "right");
      for (const std::vector<std::string>& command : c.commands)
        REQUIRE_FALSE(redis.command(command).failed);
      const auto fresh = connect(redis.settings(), memory);
      CHECK(fresh->content("k", models) == "-");
      // Within two tries at the most it can be stored again.
      const bool healed = fresh->until([&] {
        const std::optional<Stamps> known = fresh->stamps(models);
        return known &&
               fresh->put("k", models, *known, make_response("right")) == PutOutcome::stored;
      });
      CHECK(healed);
      CHECK(fresh->content("k", models) == "right");
      CHECK(b->content("k", models) == "right");
    }
  }
}

TEST_CASE("R11: a real value with any bit flipped or cut anywhere is a miss") {
  RedisServer redis;
  const auto a = connect(redis.settings(), 0);
  a->fill("k", models, "content");
  const std::string value = "larder:1:v:k";
  for (const std::string field : {"h", "b"}) {
    const std::string right = redis.command({"HGET", value, field}).text;
    REQUIRE_FALSE(right.empty());
    for (std::size_t bit = 0; bit < right.size() * 8; bit += field == "h" ? 11 : 1) {
      std::string wrong = right;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
      redis.command({"HSET", value, field, wrong});
      CHECK_MESSAGE(a->content("k", models) == "-", field << " bit " << bit);
    }
    for (std::size_t size = 0; size < right.size(); size += field == "h" ? 7 : 1) {
      redis.command({"HSET", value, field, right.substr(0, size)});
      CHECK_MESSAGE(a->content("k", models) == "-", field << " cut at " << size);
    }
    redis.command({"HSET", value, field, right});
    CHECK(a->content("k", models) == "content");
  }
}

TEST_CASE("FLUSHALL: plain misses, then hits again") {
  RedisServer redis;
  const auto a = connect(redis.settings());
  a->fill("k", models, "x");
  const Stamps before = a->stamps(models).value();
  redis.command({"FLUSHALL"});
  CHECK(a->put("k", models, before, make_response("old")) == PutOutcome::outdated);
  CHECK(a->content("k", models) == "-");
  CHECK(a->fill("k", models, "x") == PutOutcome::stored);
  CHECK(a->content("k", models) == "x");
}

TEST_CASE("redis figures: who ends while Redis is asked for them leaves nothing behind") {
  // Should something be left, LeakSanitizer says so when the program ends.
  store::StateLog log;
  bool is_asked = false;
  asio::io_context io{1};
  ScriptedRedis redis(io);
  redis.set_script([&is_asked](const Words& words) {
    is_asked = is_asked || words[0] == "DBSIZE";
    return is_asked ? std::string() : ScriptedRedis::answer(words);
  });
  asio::co_spawn(
      io,
      store::read_redis_figures(io, store::make_redis_place(redis.settings(), TlsContext()), log),
      asio::detached);
  const SteadyClock::time_point limit = SteadyClock::now() + 10s;
  while (!is_asked && SteadyClock::now() < limit) io.run_one_for(10ms);
  CHECK(is_asked);
}

}  // namespace
}  // namespace larder::test
