// What a Redis answers that is none, and how many round trips an honest one costs (reliability
// R12).

#include <doctest/doctest.h>

#include "store/codec.hpp"
#include "store/redis_client.hpp"
#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"

namespace larder::test {
namespace {

/// Also a machine that runs other tests, with sanitizers, keeps to this.
constexpr auto slack = 400ms;

/// A store on a server of the same loop.
struct Scripted {
  explicit Scripted(std::uint64_t memory = 0)
      : loop(TestStore::make_shared(memory)), redis(loop.context) {
    loop.store = store::make_redis_store(*loop.shared, loop.context, redis.settings());
  }
  TestStore loop;
  ScriptedRedis redis;
};

TEST_CASE("R12: replies that no Redis sends cost the connection, and never more than a miss") {
  const std::string stamps = ScriptedRedis::answer({"MGET", "1", "2", "3", "4", "5", "6"});
  struct Case {
    const char* name;
    std::string to_hmget;
    bool waits;  ///< until the deadline: the reply is never whole
  };
  const Case cases[] = {
      {"$-2", "$-2\r\n", false},
      {"*1000000000", "*1000000000\r\n", false},
      {"*-7", "*-7\r\n", false},
      {"deep nesting", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", false},
      {"garbage", std::string("\x16\x03\x01\x02\x00\x01garbage\r\n", 15), false},
      {"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", false},
      {"a text of terabytes", "$9999999999999\r\nx", false},
      {"two replies for one command", "*2\r\n$-1\r\n$-1\r\n*2\r\n$-1\r\n$-1\r\n", false},
      {"another shape", ":1\r\n", false},
      {"an array of another size", "*1\r\n$-1\r\n", false},
      {"half a reply", "*2\r\n$100\r\nabc", true},
      {"no reply", "", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Scripted scripted;
    TestStore& a = scripted.loop;
    REQUIRE(a.until_available());
    bool hostile = true;
    scripted.redis.set_script([&](const Words& words) -> std::string {
      if (!hostile) return ScriptedRedis::answer(words);
      if (words[0] == "HMGET") return c.to_hmget;
      return c.waits && words[0] == "MGET" ? std::string() : ScriptedRedis::answer(words);
    });
    const auto began = SteadyClock::now();
    CHECK(a.content("k", models) == "!");
    CHECK(SteadyClock::now() - began < (c.waits ? 300ms + slack : slack));
    CHECK_FALSE(a.store->is_available());
    hostile = false;
    CHECK(a.until_available());
    CHECK(scripted.redis.connections() >= 2);
    CHECK(a.content("k", models) == "-");
  }
}

TEST_CASE("R12: bytes that nobody asked for cost the connection") {
  Scripted scripted;
  REQUIRE(scripted.loop.until_available());
  scripted.redis.set_script([](const Words& words) {
    const std::string right = ScriptedRedis::answer(words);
    return words[0] == "EVALSHA" ? right + ":7\r\n" : right;
  });
  scripted.loop.evict({"p:/api/models"});
  CHECK(scripted.loop.until([&] { return scripted.redis.connections() >= 2; }));
}

TEST_CASE("R12: one byte at a time is slow, and right") {
  Scripted scripted;
  TestStore& a = scripted.loop;
  scripted.redis.set_dribbling(true);
  REQUIRE(a.until_available());
  CHECK(a.content("k", models) == "-");
  CHECK(a.stamps(models) == Stamps(6, 255));
  CHECK(a.evict({"p:/api/models"}) == EvictOutcome::done);
  CHECK(scripted.redis.connections() == 1);
}

TEST_CASE("R12: errors to any command: reads are unavailable, evictions deferred") {
  for (const std::string error :
       {"-READONLY no\r\n", "-NOPERM no\r\n", "-OOM no\r\n", "-LOADING no\r\n", "-MOVED 1 h:1\r\n",
        "-ERR unknown command\r\n", "-CLUSTERDOWN no\r\n"}) {
    CAPTURE(error);
    Scripted scripted;
    TestStore& a = scripted.loop;
    REQUIRE(a.until_available());
    bool failing = true;
    scripted.redis.set_script([&](const Words& words) {
      const bool ours = words[0] != "PING" && words[0] != "SELECT" && words[0] != "INFO";
      return failing && ours ? error : ScriptedRedis::answer(words);
    });
    CHECK(a.content("k", models) == "!");
    CHECK_FALSE(a.stamps(models));
    CHECK(a.put("k", models, Stamps(6, 255), make_response("x")) == PutOutcome::unavailable);
    CHECK(a.evict({"p:/api/models"}) == EvictOutcome::deferred);
    CHECK(a.content("k", models) == "!");
    CHECK_FALSE(a.until_available(100ms));
    failing = false;
    CHECK(a.until_available());
    CHECK(a.content("k", models) == "-");
  }
}

TEST_CASE("LOADING: not used before it has loaded") {
  Scripted scripted;
  bool loading = true;
  scripted.redis.set_script([&](const Words& words) {
    return loading ? std::string("-LOADING Redis is loading the dataset in memory\r\n")
                   : ScriptedRedis::answer(words);
  });
  CHECK_FALSE(scripted.loop.until_available(200ms));
  loading = false;
  CHECK(scripted.loop.until_available());
}

TEST_CASE("texts stay as they came, for as long as somebody has their pipeline") {
  asio::io_context context{1};
  ScriptedRedis redis(context);
  redis.set_script([](const Words& words) {
    return words[0] == "GET" ? bulk(words[1]) : ScriptedRedis::answer(words);
  });
  store::StateLog log;
  store::RedisClient client(context, store::make_redis_place(redis.settings(), {}), log);
  store::RedisClient::Events events;
  events.prepare = []() -> awaitable<bool> { co_return true; };
  client.start(std::move(events));
  const auto run_until = [&](const std::function<bool()>& condition) {
    const auto end = SteadyClock::now() + 10s;
    while (!condition() && SteadyClock::now() < end) context.run_one_for(2ms);
    REQUIRE(condition());
  };
  run_until([&] { return client.is_ready(); });
  std::vector<store::Pipeline> kept(5);
  std::size_t answered = 0;
  const auto ask = [&]() -> awaitable<void> {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      kept[i].add({"GET", "reply " + std::to_string(i)});
      co_await client.exchange(kept[i]);
      ++answered;
    }
  };
  asio::co_spawn(context, ask(), asio::detached);
  run_until([&] { return answered == kept.size(); });
  for (std::size_t i = 0; i < kept.size(); ++i)
    CHECK(kept[i].text(kept[i].reply(0)) == "reply " + std::to_string(i));
}

// Round trips -------------------------------------------------------------------------------------

TEST_CASE(
    "round trips: one for a lookup, stamps, a put, a lease, an eviction; none for what is known") {
  Scripted scripted;
  TestStore& a = scripted.loop;
  REQUIRE(a.until_available());
  const auto trips = [&](const std::function<void()>& work) {
    const int before = scripted.redis.reads();
    work();
    return scripted.redis.reads() - before;
  };
  CHECK(trips([&] { a.lookup("k", models); }) == 1);
  CHECK(trips([&] { a.stamps(models); }) == 1);
  CHECK(trips([&] { a.stamps(models, Stamps(6, 255)); }) == 0);
  CHECK(trips([&] { a.put("k", models, Stamps(6, 255), make_response("x")); }) == 1);
  store::LeasePointer lease;
  CHECK(trips([&] { lease = a.begin_write({"p:/api/models"}); }) == 1);
  REQUIRE(lease);
  CHECK(trips([&] { a.end_write(std::move(lease), {"p:/api/models", "x"}); }) == 1);
  CHECK(trips([&] { a.evict({"p:/api/models"}); }) == 1);
  // Those of one turn of the loop go together.
  int done = 0;
  const auto ask = [&]() -> awaitable<void> {
    const Lookup found = co_await a.store->lookup("k", models);
    done += found.available ? 1 : 0;
  };
  const std::size_t commands = scripted.redis.commands().size();
  const std::uint32_t segments = scripted.redis.segments();
  for (int i = 0; i < 50; ++i) asio::co_spawn(a.context, ask(), [](const std::exception_ptr&) {});
  CHECK(a.until([&] { return done == 50; }));
  CHECK(scripted.redis.segments() - segments <= 3);
  CHECK(scripted.redis.commands().size() - commands >= 100);
}

TEST_CASE("round trips: tags that a response names cost a second one only when they are new") {
  Scripted scripted;
  TestStore& a = scripted.loop;
  REQUIRE(a.until_available());
  std::vector<std::string> tags;
  scripted.redis.set_script([&](const Words& words) -> std::string {
    if (words[0] != "HMGET") return ScriptedRedis::answer(words);
    const policy::StoredResponsePointer response = make_response("content", tags);
    const Stamps kept(5 + tags.size(), 255);
    const std::optional<std::string> head = store::encode_head("k", *response, kept, 1h);
    return "*2\r\n" + bulk(head.value()) + bulk("content");
  });
  struct Case {
    const char* name;
    std::vector<std::string> tags;
    int trips;
  };
  const Case cases[] = {
      {"none", {}, 1},       {"two", {"x", "y"}, 2}, {"the same", {"x", "y"}, 1},
      {"another", {"z"}, 2}, {"the same", {"z"}, 1}, {"none any more", {}, 1},
      {"none again", {}, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    tags = c.tags;
    const int before = scripted.redis.reads();
    CHECK(a.content("k", models) == "content");
    CHECK(scripted.redis.reads() - before == c.trips);
  }
}

}  // namespace
}  // namespace larder::test
