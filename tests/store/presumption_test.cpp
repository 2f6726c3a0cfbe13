// Lookups that presume a miss: what is presumed, and that nothing but round trips depends on it.

#include "store/presumption.hpp"

#include <string>

#include <doctest/doctest.h>

#include "store/filling_processes.hpp"
#include "store/store_contract.hpp"

namespace larder::test {
namespace {

using store::FillStart;
using store::OnMiss;

constexpr const char* stamp_of_models = "larder:1:s:p:/api/models";

Lookup look_up(TestStore& process, std::string_view key = "k", Resource resource = models) {
  return process.lookup(key, resource, OnMiss::fill);
}

/// From now on it presumes that a lookup under `models` finds nothing, with the stamps it has seen.
void teach(TestStore& process) {
  for (const char* key : {"never 1", "never 2"}) REQUIRE_FALSE(look_up(process, key).response);
}

bool is_locked(RedisServer& redis) {
  return redis.command({"EXISTS", lock_of_k}).integer == 1;
}

TEST_CASE("presumption: a miss is presumed after two in a row, by rule") {
  const store::LocalStamps local;
  store::Presumption presumption(local);
  CHECK_FALSE(presumption.is_conceivable("models"));
  presumption.note("models", true);
  CHECK(presumption.is_conceivable("models"));
  CHECK_FALSE(presumption.is_miss("models"));
  for (int i = 0; i < 300; ++i) presumption.note("models", true);
  CHECK(presumption.is_miss("models"));
  CHECK_FALSE(presumption.is_miss("stats"));
  presumption.note("models", false);
  CHECK_FALSE(presumption.is_conceivable("models"));
}

TEST_CASE("presumption: a stamp is presumed until its eviction is heard of") {
  store::LocalStamps local;
  store::Presumption presumption(local);
  policy::TagText tags;
  tags.add("r:models");
  tags.add("p:/api/models");
  CHECK(presumption.stamps_of(tags) == Stamps{0, 0});
  const Stamps before = local.current(tags);
  presumption.note(tags, before, Stamps{7, 0});
  CHECK(presumption.stamps_of(tags) == Stamps{7, 0});
  presumption.note(tags, before, Stamps{0, 9});  // 0 is not known: no news of it
  CHECK(presumption.stamps_of(tags) == Stamps{7, 9});
  local.evict("p:/api/models");
  CHECK(presumption.stamps_of(tags) == Stamps{7, 0});
  presumption.note(tags, before, Stamps{7, 8});  // read before the eviction, perhaps
  CHECK(presumption.stamps_of(tags) == Stamps{7, 0});
  presumption.note(tags, {}, {});
  CHECK(presumption.stamps_of(tags) == Stamps{7, 0});
}

TEST_CASE("presumption: the tags of one response do not turn one another out") {
  const store::LocalStamps local;
  // In a table of one tag a place some of these would lack one.
  for (int resource = 0; resource < 4000; ++resource) {
    store::Presumption presumption(local);
    policy::TagText tags;
    tags.add("e:");
    tags.add("n:");
    tags.add("b:/");
    tags.add("b:/api");
    tags.add("p:/api/" + std::to_string(resource));
    tags.add("r:rule-" + std::to_string(resource));
    const Stamps stamps{1, 2, 3, 4, 5, 6};
    presumption.note(tags, local.current(tags), stamps);
    REQUIRE(presumption.stamps_of(tags) == stamps);
  }
}

TEST_CASE("presumed miss: the fill begins with the lookup, as begin_fill() has it") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  teach(*a);
  const Lookup found = look_up(*a);
  REQUIRE(found.begun);
  REQUIRE(found.begun->stamps);
  CHECK(found.begun->filled_by.empty());
  CHECK_FALSE(found.begun->leased);
  CHECK_FALSE(found.begun->stored_since);
  CHECK(store::is_complete(*found.begun->stamps));

  const FillStart second = b->run(b->store->begin_fill("k", models, {}, nullptr));
  CHECK(second.stamps == found.begun->stamps);
  CHECK_FALSE(second.filled_by.empty());
  CHECK(a->put("k", models, *found.begun->stamps, make_response("x")) == PutOutcome::stored);
  CHECK_FALSE(b->run(b->store->is_filling("k", second, nullptr)));
  CHECK(b->content("k", models) == "x");
  CHECK_FALSE(is_locked(redis));
}

TEST_CASE("presumed miss: it is told of another process's fill") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  const FillStart first = b->run(b->store->begin_fill("k", models, {}, nullptr));
  REQUIRE(first.stamps);
  teach(*a);
  const Lookup found = look_up(*a);
  REQUIRE(found.begun);
  CHECK(found.begun->stamps == first.stamps);
  CHECK_FALSE(found.begun->filled_by.empty());
}

TEST_CASE("presumed miss: what is found all the same is used, and the lock given back") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  b->fill("k", models, "x");
  teach(*a);
  const Lookup found = look_up(*a);
  REQUIRE(found.response);
  CHECK(found.response->content.view() == "x");
  CHECK_FALSE(found.begun);
  CHECK(a->until([&] { return !is_locked(redis); }));
  // That was not a miss: the next one is asked for in two steps again.
  CHECK_FALSE(look_up(*a, "other").begun);
}

TEST_CASE("presumed miss: a lock that another worker of the process holds is not given back") {
  RedisServer& redis = shared_redis();
  TwoWorkers workers(redis);
  workers.other.fill("k", models, "x");
  REQUIRE(workers.other.run(workers.other.store->begin_fill("k", models, {}, nullptr)).stamps);
  teach(workers.one);
  REQUIRE(look_up(workers.one).response);
  CHECK(workers.one.stamps(stats));  // behind what would give it back
  CHECK(is_locked(redis));
}

TEST_CASE("presumed miss: whoever would not fill takes no lock") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  teach(*a);
  CHECK_FALSE(a->lookup("k", models).begun);
  CHECK_FALSE(is_locked(redis));
}

TEST_CASE("presumed miss: what a write holds is filled for, and not stored") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  teach(*a);
  const store::LeasePointer lease = b->begin_write({"p:/api/models"});
  const Lookup found = look_up(*a);
  REQUIRE(found.begun);
  CHECK(found.begun->leased);
  CHECK(a->until([&] { return !is_locked(redis); }));
}

TEST_CASE(
    "presumed miss: a stamp that was presumed and is another one, or gone, is believed of no "
    "fill") {
  RedisServer& redis = shared_redis();
  // Without memory nothing is heard of other processes' evictions.
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  teach(*a);
  const Lookup seen = look_up(*a, "never 3");
  REQUIRE(seen.begun);
  SUBCASE("gone: it is made in a second step") {
    REQUIRE(b->evict({"p:/api/models"}) == EvictOutcome::done);
    REQUIRE(redis.command({"EXISTS", stamp_of_models}).integer == 0);
    const Lookup found = look_up(*a);
    CHECK_FALSE(found.response);
    CHECK_FALSE(found.begun);
    const FillStart start = a->run(a->store->begin_fill("k", models, found.stamps, nullptr));
    REQUIRE(start.stamps);
    CHECK(start.filled_by.empty());
    CHECK(a->put("k", models, *start.stamps, make_response("new")) == PutOutcome::stored);
  }
  SUBCASE("another one: the fill has that") {
    REQUIRE(b->evict({"p:/api/models"}) == EvictOutcome::done);
    const Stamps made = b->stamps(models).value();
    const Lookup found = look_up(*a);
    REQUIRE(found.begun);
    CHECK(found.begun->stamps == made);
    // Its lock names the stamps that are, once the news of that are there.
    CHECK(a->stamps(stats));
    CHECK_FALSE(b->run(b->store->begin_fill("k", models, made, nullptr)).filled_by.empty());
    CHECK(a->put("k", models, made, make_response("new")) == PutOutcome::stored);
  }
  SUBCASE("by this process itself: it is made at once") {
    REQUIRE(a->evict({"p:/api/models"}) == EvictOutcome::done);
    const Lookup found = look_up(*a);
    REQUIRE(found.begun);
    CHECK(found.begun->stamps != seen.begun->stamps);
    CHECK(a->put("k", models, *found.begun->stamps, make_response("new")) == PutOutcome::stored);
  }
  CHECK(b->content("k", models) == "new");
  CHECK(a->put("k", models, *seen.begun->stamps, make_response("old")) == PutOutcome::outdated);
}

TEST_CASE("presumed miss: without locks its stamps alone are made") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 0ms);
  teach(*a);
  const Lookup found = look_up(*a);
  REQUIRE(found.begun);
  CHECK(found.begun->filled_by.empty());
  CHECK(redis.keys("larder:1:f:*").empty());
  CHECK(a->put("k", models, *found.begun->stamps, make_response("x")) == PutOutcome::stored);
}

TEST_CASE("presumed miss: memory keeps what is found all the same") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 60s, 1 << 20);
  const auto b = make_process(redis);
  a->listen(redis.settings());
  REQUIRE(a->until_trusted());
  b->fill("k", models, "x", {"t:named"});
  teach(*a);
  REQUIRE(look_up(*a).response);
  REQUIRE(a->until([&] { return a->store->lookup_now("k", models).has_value(); }));
  CHECK(a->store->lookup_now("k", models)->response->content.view() == "x");
}

TEST_CASE("presumed miss: a Redis that refuses what a fill needs stops nobody") {
  RedisServer redis;
  const auto a = make_process(redis);
  teach(*a);
  SUBCASE("another type lies where the lock would") {
    redis.command({"SADD", lock_of_k, "x"});
    const Lookup found = look_up(*a);
    REQUIRE(found.begun);
    CHECK(found.begun->filled_by.empty());
  }
  SUBCASE("another type lies where a stamp would") {
    redis.command({"DEL", stamp_of_models});
    redis.command({"SADD", stamp_of_models, "x"});
    const Lookup found = look_up(*a);
    CHECK(found.available);
    CHECK_FALSE(found.begun);
  }
  SUBCASE("it has gone") {
    redis.kill();
    const Lookup found = look_up(*a);
    CHECK_FALSE(found.available);
    CHECK_FALSE(found.begun);
  }
}

}  // namespace
}  // namespace larder::test
