// A process that begins: what the last one was asked for most is in memory before anybody asks.

#include <doctest/doctest.h>

#include "store/hot_keys.hpp"
#include "store/store_contract.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

constexpr std::uint64_t megabyte = 1 << 20;

std::shared_ptr<store::Shared> process(std::size_t warm, std::uint64_t memory = megabyte) {
  auto shared = TestStore::make_shared(memory);
  shared->warm = warm;
  return shared;
}

void leave(TestStore& one) {
  const auto whole = [](awaitable<void> leaving) -> awaitable<bool> {
    co_await std::move(leaving);
    co_return true;
  };
  CHECK(one.run(whole(one.store->leave())));
}

void warm(TestStore& one, const config::RedisSettings& settings) {
  one.listen(settings);
  one.store->warm();
  CHECK(one.until([&] { return one.shared->warming == 0; }));
}

/// Stored by one process, which was asked for "hot" more often than for "cold", and has gone.
void live_before(const RedisServer& redis) {
  TestStore before(process(1), redis.settings());
  REQUIRE(before.until_available());
  for (const char* const key : {"cold", "hot"})
    REQUIRE(before.fill(key, models, std::string("content of ") + key) ==
            store::PutOutcome::stored);
  (void)before.content("cold", models);
  for (int i = 0; i < 3; ++i) (void)before.content("hot", models);
  leave(before);
}

TEST_CASE("a new process finds in memory what the last one was asked for most") {
  RedisServer redis;
  live_before(redis);
  CHECK(redis.command({"ZCARD", "larder:1:w"}).integer == 1);
  CHECK(redis.command({"TTL", "larder:1:w"}).integer > 80'000);

  TestStore after(process(1), redis.settings());
  warm(after, redis.settings());
  CHECK(after.shared->memory.count() == 1);
  CHECK(after.until_trusted());
  const std::optional<Lookup> found = after.store->lookup_now("hot", models);
  REQUIRE(found);
  REQUIRE(found->response);
  CHECK(found->tier == store::Tier::memory);
  CHECK(found->response->content.view() == "content of hot");
}

TEST_CASE("what was evicted meanwhile is not fetched") {
  RedisServer redis;
  live_before(redis);
  {
    TestStore writer(process(0), redis.settings());
    REQUIRE(writer.until_available());
    CHECK(writer.evict({"r:models"}) == store::EvictOutcome::done);
  }
  TestStore after(process(1), redis.settings());
  warm(after, redis.settings());
  CHECK(after.shared->memory.count() == 0);
  CHECK(after.content("hot", models) == "-");
}

TEST_CASE("half of memory is left to what clients ask for") {
  RedisServer redis;
  {
    TestStore before(process(100), redis.settings());
    REQUIRE(before.until_available());
    for (int i = 0; i < 20; ++i) {
      const std::string key = "k" + std::to_string(i);
      REQUIRE(before.fill(key, models, std::string(10'000, 'x')) == store::PutOutcome::stored);
      (void)before.content(key, models);
    }
    leave(before);
  }
  TestStore after(process(100, 100'000), redis.settings());
  warm(after, redis.settings());
  CHECK(after.shared->memory.bytes() >= 50'000);
  CHECK(after.shared->memory.bytes() < 65'000);
}

TEST_CASE("a list that is none, or names nothing, or a Redis that is gone: nothing is fetched") {
  RedisServer redis;
  const std::string honest = store::format_hot_key("gone", models);
  struct Case {
    const char* name;
    std::vector<std::string> command;
  };
  const Case cases[] = {
      {"no list", {"PING"}},
      {"a text", {"SET", "larder:1:w", "hello"}},
      {"an empty member", {"ZADD", "larder:1:w", "1", ""}},
      {"nothing of ours", {"ZADD", "larder:1:w", "1", "hello", "2", "5:1,", "3", "1:1,1:k,"}},
      {"a key that is not there", {"ZADD", "larder:1:w", "1", honest, "2", "x"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    redis.command({"FLUSHALL"});
    CHECK_FALSE(redis.command(c.command).failed);
    TestStore after(process(10), redis.settings());
    warm(after, redis.settings());
    CHECK(after.shared->memory.count() == 0);
    CHECK(after.store->is_available());
    CHECK(after.fill("k", models, "content") == store::PutOutcome::stored);
    CHECK(after.content("k", models) == "content");
    leave(after);
  }
  redis.kill();
  TestStore without(process(10), redis.settings());
  without.store->warm();
  CHECK(without.shared->warming == 1);
  leave(without);
}

TEST_CASE("nothing is counted, nor left, unless it is asked for") {
  RedisServer redis;
  TestStore one(process(0), redis.settings());
  REQUIRE(one.until_available());
  REQUIRE(one.fill("k", models, "content") == store::PutOutcome::stored);
  (void)one.content("k", models);
  one.store->warm();
  CHECK(one.shared->warming == 0);
  leave(one);
  CHECK(redis.command({"EXISTS", "larder:1:w"}).integer == 0);
}

}  // namespace
}  // namespace larder::test
