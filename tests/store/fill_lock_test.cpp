// The fill lock on a real Redis, between processes and within one; and on one that does not help.

#include <doctest/doctest.h>

#include "store/filling_processes.hpp"
#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"

namespace larder::test {
namespace {

using store::FillStart;

FillStart begin(TestStore& process, Stamps known = {},
                policy::StoredResponsePointer seen = nullptr) {
  return process.run(process.store->begin_fill("k", models, std::move(known), std::move(seen)));
}

bool is_filling(TestStore& process, const FillStart& start,
                policy::StoredResponsePointer seen = nullptr) {
  return process.run(process.store->is_filling("k", start, std::move(seen)));
}

TEST_CASE("fill lock: the second process is told of the first, until that has ended") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  const FillStart first = begin(*a);
  REQUIRE(first.stamps);
  CHECK(first.filled_by.empty());
  const FillStart second = begin(*b);
  CHECK(second.stamps == first.stamps);
  CHECK_FALSE(second.filled_by.empty());
  CHECK(is_filling(*b, second));
  CHECK(redis.command({"PTTL", lock_of_k}).integer > 30'000);

  const std::string held = redis.command({"GET", lock_of_k}).text;
  SUBCASE("it has stored its answer, and given the lock back with it") {
    CHECK(a->put("k", models, *first.stamps, make_response("x")) == PutOutcome::stored);
    CHECK(redis.command({"EXISTS", lock_of_k}).integer == 0);
    CHECK_FALSE(is_filling(*b, second));
    CHECK(b->content("k", models) == "x");
  }
  SUBCASE("it has stored its answer, and could not give the lock back") {
    CHECK(a->put("k", models, *first.stamps, make_response("x")) == PutOutcome::stored);
    redis.command({"SET", lock_of_k, held});
    CHECK_FALSE(is_filling(*b, second));
    CHECK(b->content("k", models) == "x");
  }
  SUBCASE("its answer was outdated before it came to the store") {
    Stamps others = *first.stamps;
    others.pop_back();
    CHECK(a->put("k", models, others, make_response("x")) == PutOutcome::outdated);
    CHECK(a->until([&] { return redis.command({"EXISTS", lock_of_k}).integer == 0; }));
  }
  SUBCASE("it has ended with nothing to store") {
    a->store->end_fill("k");
    CHECK(a->until([&] { return redis.command({"EXISTS", lock_of_k}).integer == 0; }));
    CHECK_FALSE(is_filling(*b, second));
    CHECK(begin(*b).filled_by.empty());
  }
  SUBCASE("others cannot end it") {
    b->store->end_fill("k");
    // Behind it on the same connection: an answer to this comes after the answer to that.
    CHECK(b->stamps(stats));
    CHECK(is_filling(*b, second));
  }
  SUBCASE("a third one took it: no second wait") {
    redis.command({"SET", lock_of_k, std::string(32, '1')});
    CHECK_FALSE(is_filling(*b, second));
  }
}

TEST_CASE("fill lock: within a process whoever leads there fills") {
  RedisServer& redis = shared_redis();
  TwoWorkers workers(redis);
  CHECK(begin(workers.one).filled_by.empty());
  CHECK(begin(workers.other).filled_by.empty());
}

TEST_CASE("fill lock: a holder that died is waited for no longer than its lock lives") {
  RedisServer& redis = shared_redis();
  auto a = make_process(redis, 300ms);
  const auto b = make_process(redis, 300ms);
  REQUIRE(begin(*a).filled_by.empty());
  const long long lives = redis.command({"PTTL", lock_of_k}).integer;
  CHECK(lives <= 300);
  a.reset();
  const FillStart start = begin(*b);
  CHECK(b->until([&] { return !is_filling(*b, start); }));
}

TEST_CASE("fill lock: who has seen an eviction since does not wait for what is old") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  const FillStart before = begin(*a);
  REQUIRE(before.stamps);
  REQUIRE(b->evict({"p:/api/models"}) == EvictOutcome::done);
  const FillStart after = begin(*b);
  CHECK(after.stamps != before.stamps);
  CHECK(after.filled_by.empty());
  CHECK(a->put("k", models, *before.stamps, make_response("old")) == PutOutcome::outdated);
  CHECK(b->content("k", models) == "-");
}

TEST_CASE("fill lock: names the stamps that are current, whoever made them") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  REQUIRE(b->stamps(models));
  // It takes them for missing, would have made its own, and finds those of the other.
  REQUIRE(begin(*a).filled_by.empty());
  CHECK(a->stamps(stats));  // behind the new name, on the same connection
  CHECK_FALSE(begin(*b).filled_by.empty());
}

TEST_CASE("fill lock: a value that an eviction left behind is not what was waited for") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  redis.command({"DEL", "larder:1:s:p:/api/models"});  // evicted, and not swept yet
  REQUIRE(begin(*a, a->lookup("k", models).stamps).filled_by.empty());
  const FillStart start = begin(*b);
  REQUIRE_FALSE(start.filled_by.empty());
  CHECK_FALSE(start.stored_since);
  CHECK(is_filling(*b, start));
}

TEST_CASE("fill lock: what was stored between the lookup and the lock is told of") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  REQUIRE(a->stamps(models));
  const Lookup early = b->lookup("k", models);
  REQUIRE_FALSE(early.response);
  a->fill("k", models, "x");
  const FillStart start = begin(*b, early.stamps);
  CHECK(start.filled_by.empty());
  CHECK(start.stored_since);
  // What the lookup has seen is no news.
  b->store->end_fill("k");
  const Lookup late = b->lookup("k", models);
  CHECK_FALSE(begin(*b, late.stamps, late.response).stored_since);
}

TEST_CASE("fill lock: off, there is none") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 0ms);
  const auto b = make_process(redis, 0ms);
  REQUIRE(begin(*a).stamps);
  CHECK(begin(*b).filled_by.empty());
  CHECK(redis.keys("larder:1:f:*").empty());
  a->store->end_fill("k");
}

TEST_CASE("fill lock: a Redis that does not help stops nobody") {
  RedisServer redis;
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  SUBCASE("something else lies there") {
    redis.command({"SET", lock_of_k, "foreign"});
    CHECK(begin(*b).filled_by.empty());
    redis.command({"SET", lock_of_k, ""});
    CHECK(begin(*b).filled_by.empty());
  }
  SUBCASE("another type lies there") {
    redis.command({"SADD", lock_of_k, "x"});
    const FillStart start = begin(*b);
    CHECK(start.stamps);
    CHECK(start.filled_by.empty());
    b->store->end_fill("k");
    CHECK(b->stamps(models));
  }
  SUBCASE("the keys are forbidden") {
    redis.command({"ACL", "SETUSER", "default", "resetkeys", "~larder:1:[vsig]:*"});
    const FillStart start = begin(*b);
    CHECK(start.stamps);
    CHECK(start.filled_by.empty());
    CHECK(b->put("k", models, *start.stamps, make_response("x")) == PutOutcome::stored);
    b->store->end_fill("k");
    CHECK(b->content("k", models) == "x");
  }
  SUBCASE(
      "scripts are forbidden: the lock is left to expire, what is stored is seen all the same") {
    redis.command({"ACL", "SETUSER", "default", "-eval"});
    const FillStart first = begin(*a);
    const FillStart second = begin(*b);
    REQUIRE_FALSE(second.filled_by.empty());
    CHECK(a->put("k", models, *first.stamps, make_response("x")) == PutOutcome::stored);
    a->store->end_fill("k");
    CHECK(a->stamps(stats));
    CHECK_FALSE(is_filling(*b, second));
    CHECK(redis.command({"EXISTS", lock_of_k}).integer == 1);
  }
  SUBCASE("it has gone") {
    const FillStart first = begin(*a);
    const FillStart second = begin(*b);
    REQUIRE_FALSE(second.filled_by.empty());
    redis.kill();
    CHECK_FALSE(is_filling(*b, second));
    CHECK(begin(*b).filled_by.empty());
    a->store->end_fill("k");
  }
}

TEST_CASE("fill lock: one round trip, with the stamps where those have to be made") {
  TestStore process(TestStore::make_shared(0));
  ScriptedRedis redis(process.context);
  process.store = store::make_redis_store(*process.shared, process.context, redis.settings());
  bool has_stamps = false;
  redis.set_script([&](const Words& words) {
    if (words[0] == "MGET" && !has_stamps) {
      std::string reply = "*" + std::to_string(words.size() - 1) + "\r\n";
      for (std::size_t i = 1; i < words.size(); ++i) reply += "$-1\r\n";
      return reply;
    }
    if (words[0] == "GET" || words[0] == "HGET") return std::string("$-1\r\n");
    return ScriptedRedis::answer(words);
  });
  REQUIRE(process.until_available());
  for (const bool warm : {false, true}) {
    CAPTURE(warm);
    has_stamps = warm;
    const Lookup found = process.lookup("k", models);
    has_stamps = true;
    const int before = redis.reads();
    const FillStart start = begin(process, found.stamps);
    CHECK(start.stamps);
    CHECK(redis.reads() - before == 1);
  }
}

}  // namespace
}  // namespace larder::test
