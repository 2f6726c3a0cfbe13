// The contract, on every implementation and on a real Redis; and two stores on one Redis.

#include <random>

#include <doctest/doctest.h>

#include "store/store_contract.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

constexpr std::uint64_t memory_size = 64 << 20;

/// One for all that do not harm it; empty again for each use.
RedisServer& shared_redis() {
  static RedisServer server;
  server.command({"FLUSHALL"});
  return server;
}

std::unique_ptr<TestStore> make_over_redis(const RedisServer& redis, std::uint64_t memory) {
  auto made = std::make_unique<TestStore>(TestStore::make_shared(memory), redis.settings());
  REQUIRE(made->until_available());
  return made;
}

TEST_CASE("store contract: memory alone") {
  check_store_contract(
      [] { return std::make_unique<TestStore>(TestStore::make_shared(memory_size)); });
}

TEST_CASE("store contract: Redis alone") {
  check_store_contract([] { return make_over_redis(shared_redis(), 0); });
}

TEST_CASE("store contract: memory over Redis") {
  check_store_contract([] { return make_over_redis(shared_redis(), memory_size); });
}

TEST_CASE("tiers: which one answers") {
  RedisServer& redis = shared_redis();
  const auto a = make_over_redis(redis, memory_size);
  const auto b = make_over_redis(redis, memory_size);
  const auto alone = make_over_redis(redis, 0);
  a->fill("k", models, "x");
  CHECK(a->lookup("k", models).tier == store::Tier::memory);
  CHECK(b->lookup("k", models).tier == store::Tier::redis);
  CHECK(b->lookup("k", models).tier == store::Tier::memory);
  CHECK(alone->lookup("k", models).tier == store::Tier::redis);
  CHECK(alone->lookup("k", models).tier == store::Tier::redis);

  TestStore memory(TestStore::make_shared(memory_size));
  memory.fill("k", models, "x");
  const std::optional<Lookup> now = memory.store->lookup_now("k", models);
  REQUIRE(now);
  CHECK(now->tier == store::Tier::memory);
}

TEST_CASE("tiers: what memory takes from Redis it keeps for what is left of it") {
  RedisServer& redis = shared_redis();
  struct Case {
    const char* name;
    std::vector<std::string> command;  ///< about the value in Redis, after it was put for an hour
    std::chrono::seconds kept;         ///< then, by another process; within half of it
  };
  const Case cases[] = {
      {"an hour, as it was put", {"PING"}, 3600s},
      {"less, when less is left", {"PEXPIRE", "larder:1:v:k", "100000"}, 100s},
      {"no longer than it was put for", {"PEXPIRE", "larder:1:v:k", "9000000"}, 3600s},
      {"not at all, when nobody says how long", {"PERSIST", "larder:1:v:k"}, 0s},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto a = make_over_redis(redis, 0);
    const auto b = make_over_redis(redis, memory_size);
    a->fill("k", models, "x");
    redis.command(c.command);
    CHECK(b->content("k", models) == "x");
    const SteadyClock::time_point now = SteadyClock::now();
    CHECK(b->shared->memory.find("k", now + c.kept / 2).has_value() == (c.kept > 0s));
    CHECK_FALSE(b->shared->memory.find("k", now + c.kept));
  }
}

TEST_CASE("over Redis: those who read a large response at once share one copy of it") {
  const auto store = make_over_redis(shared_redis(), 0);
  const std::string large(100'000, 'x');
  store->fill("k", models, large);
  const policy::StoredResponsePointer first = store->lookup("k", models).response;
  const policy::StoredResponsePointer second = store->lookup("k", models).response;
  CHECK(first == second);
  store->fill("k", models, std::string(100'001, 'y'));
  const policy::StoredResponsePointer newer = store->lookup("k", models).response;
  CHECK(newer->content.view().front() == 'y');
  CHECK(first->content.view() == large);
}

TEST_CASE("two stores on one Redis: what one drops, the other does not find there") {
  RedisServer& redis = shared_redis();
  const auto a = make_over_redis(redis, memory_size);
  const auto b = make_over_redis(redis, 0);
  a->fill("k", models, "old");
  CHECK(b->content("k", models) == "old");
  CHECK(a->drop("k"));
  CHECK(b->content("k", models) == "-");
  a->store->close();
  CHECK_FALSE(a->drop("k"));
}

TEST_CASE("two stores on one Redis: what one evicts, the other does not return") {
  RedisServer& redis = shared_redis();
  for (const std::uint64_t memory : {std::uint64_t{0}, memory_size}) {
    CAPTURE(memory);
    const auto a = make_over_redis(redis, memory);
    const auto b = make_over_redis(redis, memory);
    a->fill("k", models, "old");
    a->fill("named", stats, "old", {"k:one"});
    for (int round = 0; round < 2; ++round) {
      CHECK(b->content("k", models) == "old");
      CHECK(b->content("named", stats) == "old");
    }
    CHECK(a->evict({"p:/api/models", "k:one"}) == EvictOutcome::done);
    CHECK(b->content("k", models) == "-");
    CHECK(b->content("named", stats) == "-");

    // A fill on one, a write on the other.
    const Stamps before = b->stamps(models).value();
    a->evict({"p:/api/models"});
    CHECK(b->put("k", models, before, make_response("old")) == PutOutcome::outdated);
    CHECK(a->content("k", models) == "-");
    CHECK(b->content("k", models) == "-");
    // What one stores anew, the other has.
    b->fill("k", models, "new");
    CHECK(a->content("k", models) == "new");
    CHECK(a->evict({std::string(store::everything_tag)}) == EvictOutcome::done);
    CHECK(b->content("k", models) == "-");
  }
}

TEST_CASE("the keys in Redis: readable, expiring, gone after an eviction") {
  RedisServer& redis = shared_redis();
  const auto a = make_over_redis(redis, 0);
  for (int page = 0; page < 300; ++page)
    a->fill("GET https://example.org/api/models/?page=" + std::to_string(page), models, "x");
  a->fill("GET https://example.org/api/models/7/", model_7, "x");
  a->fill("GET https://example.org/stats/", stats, "x");
  CHECK(redis.keys("larder:1:v:GET https://example.org/api/models/\\?page=17").size() == 1);
  CHECK(redis.keys("larder:1:v:*").size() == 302);
  CHECK(redis.keys("larder:1:s:r:models").size() == 1);
  for (const std::string& key : redis.keys()) {
    CAPTURE(key);
    CHECK(redis.command({"TTL", key}).integer > 3'000);
  }
  CHECK(redis.command({"DBSIZE"}, 0).integer == 0);

  const auto values = [&redis] { return redis.keys("larder:1:v:*").size(); };
  SUBCASE("by the resource") {
    a->evict({"p:/api/models"});
    CHECK(a->until([&] { return values() == 2; }));
  }
  SUBCASE("by the rule") {
    a->evict({"r:models"});
    CHECK(a->until([&] { return values() == 1; }));
    CHECK(a->content("GET https://example.org/stats/", stats) == "x");
  }
  SUBCASE("by the user, whose values alone go") {
    a->fill("7 of ann", {"models", "/api/models/7/", "ann"}, "x");
    a->fill("8 of ann", {"models", "/api/models/8/", "ann"}, "x");
    a->fill("7 of bob", {"models", "/api/models/7/", "bob"}, "x");
    a->evict({"u:models=ann"});
    CHECK(a->until([&] { return values() == 303; }));
    CHECK(redis.keys("larder:1:v:? of ann").empty());
    CHECK(a->content("7 of bob", {"models", "/api/models/7/", "bob"}) == "x");
  }
  SUBCASE("by a tag that the request told, whose values alone are looked at") {
    const std::string ann[] = {"t:user:ann"};
    const std::string bob[] = {"t:user:bob"};
    a->fill("? of ann", {.rule = "models", .path = "/api/models/", .rule_tags = ann}, "x");
    a->fill("? of bob", {.rule = "models", .path = "/api/models/", .rule_tags = bob}, "x");
    redis.command({"CONFIG", "RESETSTAT"});
    a->evict({"t:user:ann"});
    CHECK(a->until([&] { return values() == 303 && redis.keys("larder:1:g:*").empty(); }));
    CHECK(redis.keys("larder:1:v:? of ann").empty());
    CHECK(redis.command({"INFO", "commandstats"}).text.find("cmdstat_hget:calls=2,") !=
          std::string::npos);  // the sweep's, and its script's
  }
  SUBCASE("by what lies above") {
    a->evict({"b:/api"});
    CHECK(a->until([&] { return values() == 1; }));
  }
  SUBCASE("everything") {
    a->evict({std::string(store::everything_tag)});
    CHECK(a->until([&] { return values() == 0; }));
  }
  CHECK(a->until([&] { return redis.keys("larder:1:g:*").empty(); }));
}

TEST_CASE("in Redis: of the variants of one URL the newest are kept") {
  RedisServer& redis = shared_redis();
  const auto a = make_over_redis(redis, 0);
  const auto b = make_over_redis(redis, memory_size);
  Resource two = models;
  two.most_variants = 2;
  a->fill("/models/;|de;", two, "x");
  b->fill("/models/;|en;", two, "x");
  a->fill("/models/;|de;", two, "x");
  CHECK(redis.keys("larder:1:v:*").size() == 2);
  a->fill("/models/;|fr;", two, "x");
  CHECK(redis.keys("larder:1:v:*").size() == 2);
  CHECK(redis.keys("larder:1:v:/models/;|en;").empty());
  CHECK(a->content("/models/;|de;", two) == "x");
  CHECK(redis.command({"TTL", "larder:1:u:/models/;"}).integer > 3'600);
  // What has only as many variants as its rule allows is in no list.
  for (const char* key : {"/models/;de;", "/models/;en;", "/models/;fr;"}) a->fill(key, two, "x");
  CHECK(redis.keys("larder:1:v:*").size() == 5);
  CHECK(redis.keys("larder:1:u:*").size() == 1);
}

TEST_CASE("stamps are given their lifetime again, once a day") {
  RedisServer& redis = shared_redis();
  const auto a = make_over_redis(redis, 0);
  a->fill("k", models, "x");
  for (const std::string& key : redis.keys("larder:1:s:*")) redis.command({"EXPIRE", key, "100"});
  a->fill("k", models, "x");
  CHECK(redis.command({"TTL", "larder:1:s:r:models"}).integer <= 100);
  const auto restarted = make_over_redis(redis, 0);
  restarted->fill("k", models, "x");
  CHECK(redis.command({"TTL", "larder:1:s:r:models"}).integer > 600'000);
}

TEST_CASE("anything of ours may vanish at any time: never stale, at worst a miss") {
  RedisServer& redis = shared_redis();
  for (const std::uint64_t memory : {std::uint64_t{0}, memory_size}) {
    for (const unsigned seed : {1U, 2U}) {
      CAPTURE(memory);
      CAPTURE(seed);
      redis.command({"FLUSHALL"});
      const std::unique_ptr<TestStore> replicas[] = {make_over_redis(redis, memory),
                                                     make_over_redis(redis, memory)};
      std::mt19937 random(seed);
      // The backend: items with a version, and a list of all their versions.
      constexpr int items = 4;
      int versions[items] = {};
      const auto path = [](int item) {
        return item == items ? std::string("/api/items/")
                             : "/api/items/" + std::to_string(item) + "/";
      };
      const auto body = [&](int item) {
        if (item < items) return std::to_string(versions[item]);
        std::string all;
        for (const int version : versions) all += std::to_string(version) + ",";
        return all;
      };
      struct Fill {
        int replica;
        int item;
        Stamps stamps;
        std::string body;
      };
      std::vector<Fill> fills;
      int hits = 0;
      int stale = 0;
      int deleted = 0;
      for (int step = 0; step < 2'000; ++step) {
        const int item = static_cast<int>(random() % (items + 1));
        const int replica = static_cast<int>(random() % 2);
        TestStore& store = *replicas[replica];
        const std::string item_path = path(item);
        const Resource resource{"items", item_path};
        const unsigned action = random() % 100;
        if (action < 45) {
          const std::string found = store.content("GET " + item_path, resource);
          REQUIRE(found != "!");
          if (found == "-") {
            if (fills.size() < 4)
              fills.push_back(
                  {replica, item, store.stamps(resource).value_or(Stamps{}), body(item)});
          } else {
            ++hits;
            stale += found == body(item) ? 0 : 1;
          }
        } else if (action < 70 && !fills.empty()) {
          const std::size_t which = random() % fills.size();
          Fill fill = std::move(fills[which]);
          fills.erase(fills.begin() + static_cast<std::ptrdiff_t>(which));
          const std::string fill_path = path(fill.item);
          replicas[fill.replica]->put("GET " + fill_path, {"items", fill_path},
                                      std::move(fill.stamps), make_response(fill.body));
        } else if (action < 75 && item < items) {
          ++versions[item];
          const std::string name = std::to_string(item);
          const EvictOutcome outcome = store.evict(
              {"p:/api/items/" + name, "b:/api/items/" + name, "p:/api/items", "p:/api", "p:/"});
          REQUIRE(outcome == EvictOutcome::done);
        } else if (action >= 85) {
          std::vector<std::string> keys = redis.keys("larder:*");
          if (keys.empty()) continue;
          redis.command({"DEL", keys[random() % keys.size()]});
          ++deleted;
        }
      }
      MESSAGE("memory " << memory << ", seed " << seed << ": " << hits << " hits, " << deleted
                        << " keys deleted, " << stale << " stale");
      CHECK(stale == 0);
      CHECK(hits > 100);
      CHECK(deleted > 100);
    }
  }
}

}  // namespace
}  // namespace larder::test
