// Leases on a real Redis: what a write in flight keeps others from, and what becomes of it when it
// ends, is killed, or is forgotten by Redis. Nobody waits for a lease to run out, but where that is
// what is tested: then for as long as it takes.

#include <poll.h>

#include <iterator>
#include <memory>
#include <sstream>

#include <doctest/doctest.h>
#include <hiredis/hiredis.h>

#include "store/lease_message.hpp"
#include "store/store_contract.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

using store::LeaseMessage;
using store::LeasePointer;

const std::string models_tag = "p:/api/models";
const std::string models_stamp = "larder:1:s:p:/api/models";
const std::string other_holder = "0123456789abcdef";

/// One for all that do not harm it; empty again for each use.
RedisServer& shared_redis() {
  static RedisServer server;
  server.command({"FLUSHALL"});
  return server;
}

/// A process of its own; leases that no machine is too slow for, unless said.
std::unique_ptr<TestStore> make_process(const RedisServer& redis,
                                        std::chrono::milliseconds lease = 60s,
                                        std::uint64_t memory = 0,
                                        std::chrono::milliseconds settle = 0ms) {
  auto made =
      std::make_unique<TestStore>(TestStore::make_shared(memory, settle, lease), redis.settings());
  REQUIRE(made->until_available());
  return made;
}

std::string value_of(RedisServer& redis, const std::string& key = models_stamp) {
  return redis.command({"GET", key}).text;
}
std::string stamp_of(RedisServer& redis) {
  return value_of(redis).substr(0, 16);
}
/// The leases on `models_tag`, each "holder:expiry".
std::vector<std::string> leases_of(RedisServer& redis) {
  std::istringstream words(value_of(redis));
  std::vector<std::string> leases{std::istream_iterator<std::string>(words), {}};
  if (!leases.empty()) leases.erase(leases.begin());
  return leases;
}

TEST_CASE("lease: what is stored is still used, and nothing more is stored") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  const Stamps before = a->stamps(models).value();
  const std::string stamp = stamp_of(redis);
  CHECK(redis.command({"PTTL", models_stamp}).integer > 60'000);

  const LeasePointer lease = a->begin_write({models_tag});
  REQUIRE(lease);
  CHECK(stamp_of(redis) == stamp);
  CHECK(leases_of(redis).size() == 1);
  CHECK(redis.command({"PTTL", models_stamp}).integer <= 60'000);
  for (TestStore* process : {a.get(), b.get()}) {
    CHECK(process->content("k", models) == "old");
    CHECK(process->content("k2", models) == "-");
    const store::FillStart start = process->start(models);
    CHECK(start.leased);
    CHECK(start.stamps == before);
    CHECK(process->put("k2", models, *start.stamps, make_response("new")) == PutOutcome::outdated);
    CHECK(process->content("k2", models) == "-");
    CHECK(process->fill("other", stats, "x") == PutOutcome::stored);
  }
}

TEST_CASE("lease: a fill takes no lock, and waits for nobody's") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  REQUIRE(a->stamps(models));
  const LeasePointer lease = a->begin_write({models_tag});
  for (TestStore* process : {a.get(), b.get()}) {
    const Stamps known = process->lookup("k", models).stamps;
    CHECK(known.empty());
    const store::FillStart start =
        process->run(process->store->begin_fill("k", models, known, nullptr));
    CHECK(start.leased);
    CHECK(start.stamps);
    CHECK(start.filled_by.empty());
    CHECK(process->stamps(stats));  // behind what was given back, on the same connection
    CHECK(redis.keys("larder:1:f:*").empty());
  }
}

TEST_CASE("lease: ended by an eviction") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  const Stamps before = b->stamps(models).value();
  LeasePointer lease = a->begin_write({models_tag, "r:models"});
  CHECK(a->end_write(std::move(lease), {models_tag, "r:models", "p:/api/elsewhere"}) ==
        EvictOutcome::done);
  CHECK(redis.command({"EXISTS", models_stamp, "larder:1:s:r:models"}).integer == 0);
  CHECK(b->content("k", models) == "-");
  CHECK(b->put("k", models, before, make_response("old")) == PutOutcome::outdated);
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("lease: of a write that changed nothing leaves everything as it was") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  a->store->cancel_write(a->begin_write({models_tag}));
  CHECK(a->until([&] { return leases_of(redis).empty(); }));
  CHECK(redis.command({"PTTL", models_stamp}).integer > 60'000);
  CHECK(b->content("k", models) == "old");
  CHECK_FALSE(b->start(models).leased);
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("lease: what was leased and not evicted in the end stays, and is free again") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  a->fill("k", models, "kept");
  a->fill("s", stats, "old");
  LeasePointer lease = a->begin_write({models_tag, "p:/stats"});
  CHECK(a->end_write(std::move(lease), {"p:/stats"}) == EvictOutcome::done);
  CHECK(a->content("s", stats) == "-");
  CHECK(a->content("k", models) == "kept");
  CHECK_FALSE(a->start(models).leased);
}

TEST_CASE("lease: a soft purge changes the soft part alone, and leaves leases and lifetimes") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  a->fill("k", models, "old");
  const std::string stamp = stamp_of(redis);
  LeasePointer lease = a->begin_write({models_tag});
  const std::vector<std::string> leases = leases_of(redis);
  REQUIRE(leases.size() == 1);
  CHECK(a->soften({models_tag, "p:/api/nothing"}) == EvictOutcome::done);
  CHECK(stamp_of(redis).substr(2) == stamp.substr(2));
  CHECK(stamp_of(redis).substr(0, 2) != stamp.substr(0, 2));
  CHECK(leases_of(redis) == leases);
  const long long lives = redis.command({"PTTL", models_stamp}).integer;
  CHECK(lives > 0);
  CHECK(lives <= 60'000);
  CHECK(redis.command({"EXISTS", "larder:1:s:p:/api/nothing"}).integer == 0);
  a->store->cancel_write(std::move(lease));
  CHECK(a->until([&] { return leases_of(redis).empty(); }));
  CHECK(a->content("k", models) == "old softened");
  lease = a->begin_write({models_tag});
  CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("lease: of two writes each ends its own") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  const std::string stamp = stamp_of(redis);
  LeasePointer one = a->begin_write({models_tag});
  LeasePointer other = b->begin_write({models_tag});
  CHECK(leases_of(redis).size() == 2);
  CHECK(stamp_of(redis) == stamp);

  SUBCASE("the first evicts") {
    CHECK(a->end_write(std::move(one), {models_tag}) == EvictOutcome::done);
    CHECK(stamp_of(redis) != stamp);
    CHECK(a->content("k", models) == "-");
  }
  SUBCASE("the first changed nothing") {
    a->store->cancel_write(std::move(one));
    CHECK(a->until([&] { return leases_of(redis).size() == 1; }));
    CHECK(stamp_of(redis) == stamp);
    CHECK(a->content("k", models) == "old");
  }
  SUBCASE("an eviction without a lease leaves both") {
    CHECK(a->evict({models_tag}) == EvictOutcome::done);
    CHECK(leases_of(redis).size() == 2);
    CHECK(stamp_of(redis) != stamp);
    CHECK(a->content("k", models) == "-");
    a->store->cancel_write(std::move(one));
    CHECK(a->until([&] { return leases_of(redis).size() == 1; }));
  }
  const std::string now = stamp_of(redis);
  CHECK(b->start(models).leased);
  b->store->cancel_write(std::move(other));
  CHECK(b->until([&] { return leases_of(redis).empty(); }));
  CHECK(stamp_of(redis) == now);
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("lease: one that ran out unended is an eviction, also beside another") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  LeasePointer lease = a->begin_write({models_tag});
  REQUIRE(leases_of(redis).size() == 1);
  const std::string own = leases_of(redis).front();
  // That of a process that was killed: its time has come, the other's has not.
  redis.command(
      {"SET", models_stamp, stamp_of(redis) + " " + other_holder + ":1 " + own, "PX", "60000"});
  REQUIRE(b->content("k", models) == "old");

  SUBCASE("the other ends without a change") {
    a->store->cancel_write(std::move(lease));
    CHECK(a->until([&] { return redis.command({"EXISTS", models_stamp}).integer == 0; }));
  }
  SUBCASE("a third write comes") {
    const LeasePointer third = b->begin_write({models_tag});
    REQUIRE(leases_of(redis).size() == 2);
    CHECK(leases_of(redis).front() == own);
  }
  CHECK(b->content("k", models) == "-");
}

TEST_CASE("lease: a killed process's runs out, and nothing from before is believed") {
  RedisServer& redis = shared_redis();
  auto killed = make_process(redis, 50ms);
  const auto b = make_process(redis);
  b->fill("k", models, "old");
  const Stamps before = b->stamps(models).value();
  LeasePointer lease = killed->begin_write({models_tag});
  REQUIRE(lease);
  SUBCASE("with all it has") {
    killed->store->close();
    lease.reset();
    killed.reset();
  }
  SUBCASE("it goes on, and the write alone is no more") {
    lease.reset();
  }
  CHECK(b->until([&] { return redis.command({"EXISTS", models_stamp}).integer == 0; }));
  CHECK(b->content("k", models) == "-");
  CHECK(b->put("k", models, before, make_response("old")) == PutOutcome::outdated);
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("lease: renewed while the write lasts; one that Redis has dropped is taken again") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 1s);
  const LeasePointer lease = a->begin_write({models_tag});
  REQUIRE(leases_of(redis).size() == 1);
  const std::string first = leases_of(redis).front();
  CHECK(a->until([&] { return leases_of(redis) != std::vector{first}; }));
  redis.command({"DEL", models_stamp});
  CHECK(a->until([&] { return leases_of(redis).size() == 1; }));
}

TEST_CASE("lease: lost while somebody stored: ending it evicts, whatever came of the write") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  LeasePointer lease = a->begin_write({models_tag});
  redis.command({"DEL", models_stamp});
  REQUIRE(b->fill("k", models, "old") == PutOutcome::stored);
  a->store->cancel_write(std::move(lease));
  CHECK(a->until([&] { return b->content("k", models) == "-"; }));
}

TEST_CASE("lease: a tag that responses name holds back those that name any, and no others") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  LeasePointer lease = a->begin_write({"ai-models"});
  CHECK(a->fill("plain", models, "x") == PutOutcome::stored);
  CHECK(a->fill("tagged", models, "x", {"another"}) == PutOutcome::outdated);
  a->store->cancel_write(std::move(lease));
  CHECK(a->until([&] { return value_of(redis, "larder:1:s:ai-models").size() == 16; }));
  CHECK(a->fill("tagged", models, "x", {"ai-models"}) == PutOutcome::stored);
  CHECK(a->content("plain", models) == "x");

  lease = a->begin_write({"ai-models"});
  CHECK(a->content("tagged", models) == "x");
  CHECK(a->end_write(std::move(lease), {"ai-models"}) == EvictOutcome::done);
  CHECK(a->content("tagged", models) == "-");
  CHECK(a->content("plain", models) == "x");
}

TEST_CASE("lease: nothing that is leased is kept in memory") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 60s, 1 << 20);
  const auto b = make_process(redis, 60s);
  b->fill("k", models, "x");
  LeasePointer lease = b->begin_write({models_tag});
  for (int round = 0; round < 3; ++round) CHECK(a->lookup("k", models).tier == store::Tier::redis);
  b->store->cancel_write(std::move(lease));
  CHECK(b->until([&] { return leases_of(redis).empty(); }));
  CHECK(a->lookup("k", models).tier == store::Tier::redis);
  CHECK(a->lookup("k", models).tier == store::Tier::memory);
  lease = b->begin_write({models_tag});
  CHECK(a->lookup("k", models).tier == store::Tier::memory);
  CHECK(b->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("lease: a put gives a stamp its lifetime again, but not one that is leased") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const Stamps known = a->stamps(models).value();
  redis.command({"PEXPIRE", models_stamp, "100000"});
  SUBCASE("free") {
    CHECK(make_process(redis)->put("k", models, known, make_response("x")) == PutOutcome::stored);
    CHECK(redis.command({"PTTL", models_stamp}).integer > 100'000);
  }
  SUBCASE("leased") {
    const LeasePointer lease = a->begin_write({models_tag});
    CHECK(make_process(redis)->put("k", models, known, make_response("x")) == PutOutcome::outdated);
    CHECK(redis.command({"PTTL", models_stamp}).integer <= 60'000);
  }
}

TEST_CASE("settle: after an eviction nothing is stored, by anyone, until that has run out") {
  RedisServer& redis = shared_redis();
  const auto b = make_process(redis);
  b->fill("k", models, "old");
  const auto a = make_process(redis, 60s, 0, 60s);
  LeasePointer lease;
  SUBCASE("of a write") {
    lease = a->begin_write({models_tag});
  }
  SUBCASE("without one") {}
  CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  CHECK(leases_of(redis).size() == 1);
  for (TestStore* process : {a.get(), b.get()}) {
    CHECK(process->content("k", models) == "-");
    const store::FillStart start = process->start(models);
    CHECK(start.leased);
    CHECK(process->put("k", models, start.stamps.value(), make_response("lagging")) ==
          PutOutcome::outdated);
    CHECK(process->content("k", models) == "-");
  }
  const Stamps lagging = b->start(models).stamps.value();
  redis.command({"PEXPIRE", models_stamp, "1"});
  CHECK(b->until([&] { return redis.command({"EXISTS", models_stamp}).integer == 0; }));
  CHECK(b->put("k", models, lagging, make_response("lagging")) == PutOutcome::outdated);
  CHECK(b->content("k", models) == "-");
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
  CHECK(a->content("k", models) == "new");
}

TEST_CASE("settle: of everything, which whoever connects meanwhile leaves as it is") {
  RedisServer& redis = shared_redis();
  make_process(redis)->fill("k", models, "old");
  const std::string everything = redis.keys("larder:1:s:e:*").at(0);
  const auto a = make_process(redis, 60s, 0, 60s);
  CHECK(value_of(redis, everything).size() == 16);
  REQUIRE(a->evict({std::string(store::everything_tag)}) == EvictOutcome::done);
  const std::string settling = value_of(redis, everything);
  REQUIRE(settling.size() > 16);
  std::string before = settling.substr(0, 16);
  SUBCASE("with the stamp that it has") {}
  SUBCASE("with another, since that speaks of no history") {
    before = other_holder;
    redis.command({"SET", everything, before + settling.substr(16), "KEEPTTL"});
  }
  const auto b = make_process(redis);
  const std::string now = value_of(redis, everything);
  CHECK((now.substr(0, 16) == before) == (before != other_holder));
  CHECK(now.substr(16) == settling.substr(16));
  CHECK(b->start(models).leased);
  CHECK(b->fill("k", models, "lagging") == PutOutcome::outdated);
  CHECK(b->content("k", models) == "-");
}

TEST_CASE("settle: everything, when Redis may not know what settled before") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 60s, 0, 60s);
  const auto b = make_process(redis);
  for (TestStore* process : {a.get(), b.get()}) {
    CHECK(process->start(models).leased);
    CHECK(process->fill("k", models, "lagging") == PutOutcome::outdated);
  }
  // By the first connection alone: the next one's time is that of the first.
  const std::string everything = redis.keys("larder:1:s:e:*").at(0);
  const std::string settling = value_of(redis, everything);
  make_process(redis, 60s, 0, 60s);
  CHECK(value_of(redis, everything) == settling);
}

TEST_CASE("settle: everything, when a process with memory alone starts") {
  for (const std::chrono::milliseconds time : {0ms, 60'000ms}) {
    CAPTURE(time.count());
    const auto process = TestStore::make_shared(1 << 20, time);
    process->settle_everything();
    TestStore a(process);
    CHECK(a.start(models).leased == (time > 0ms));
    CHECK(a.fill("k", models, "lagging") ==
          (time > 0ms ? PutOutcome::outdated : PutOutcome::stored));
  }
}

TEST_CASE("settle: with memory alone") {
  const auto process = TestStore::make_shared(1 << 20, 60s);
  TestStore a(process);
  CHECK(a.fill("k", models, "x", {"x"}) == PutOutcome::stored);
  CHECK(a.evict({"p:/stats"}) == EvictOutcome::done);
  CHECK(a.lookup("s", stats).stamps.empty());
  const store::FillStart start = a.start(stats);
  CHECK(start.leased);
  CHECK(a.put("s", stats, start.stamps.value(), make_response("x")) == PutOutcome::outdated);
  CHECK_FALSE(a.start(models).leased);
  CHECK(a.content("k", models) == "x");

  // A tag that responses name is known when they have come: those that began meanwhile name none.
  CHECK(a.evict({"y"}) == EvictOutcome::done);
  CHECK(a.content("k", models) == "x");
  CHECK(a.fill("plain", models, "x") == PutOutcome::stored);
  CHECK(a.fill("k", models, "lagging", {"z"}) == PutOutcome::outdated);
}

TEST_CASE("settle: with memory alone, what begins after it is stored") {
  TestStore a(TestStore::make_shared(1 << 20, 1ms));
  CHECK(a.evict({models_tag}) == EvictOutcome::done);
  CHECK(a.until([&] { return !a.start(models).leased; }));
  CHECK(a.fill("k", models, "new") == PutOutcome::stored);
}

TEST_CASE("given up: nothing is stored for a whole lease, however old the write's own is") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  LeasePointer lease;
  SUBCASE("of a write") {
    lease = a->begin_write({models_tag});
    redis.command({"PEXPIRE", models_stamp, "5000"});
  }
  SUBCASE("that has none") {}
  CHECK(a->give_up_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  CHECK(redis.command({"PTTL", models_stamp}).integer > 50'000);
  for (TestStore* process : {a.get(), b.get()}) {
    CHECK(process->content("k", models) == "-");
    const store::FillStart start = process->start(models);
    CHECK(start.leased);
    CHECK(process->put("k", models, start.stamps.value(), make_response("late")) ==
          PutOutcome::outdated);
    CHECK(process->content("k", models) == "-");
  }
}

TEST_CASE("given up: with memory alone") {
  const auto process = TestStore::make_shared(1 << 20, 0ms, 60s);
  TestStore a(process);
  a.fill("k", models, "old");
  CHECK(a.end_write(nullptr, {"p:/stats"}) == EvictOutcome::done);
  CHECK_FALSE(a.start(stats).leased);
  CHECK(a.give_up_write(nullptr, {models_tag}) == EvictOutcome::done);
  CHECK(a.content("k", models) == "-");
  const store::FillStart start = a.start(models);
  CHECK(start.leased);
  CHECK(a.put("k", models, start.stamps.value(), make_response("old")) == PutOutcome::outdated);
  CHECK_FALSE(a.start(stats).leased);
}

TEST_CASE("given up: with memory alone, what begins a lease later is stored") {
  TestStore a(TestStore::make_shared(1 << 20, 0ms, 1ms));
  CHECK(a.give_up_write(nullptr, {models_tag}) == EvictOutcome::done);
  CHECK(a.until([&] { return !a.start(models).leased; }));
  CHECK(a.fill("k", models, "new") == PutOutcome::stored);
}

// Redis that is of little help
// ---------------------------------------------------------------------

TEST_CASE("lease: off, a write does not touch Redis before it is over") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis, 0ms);
  CHECK_FALSE(a->begin_write({models_tag}));
  CHECK(redis.keys("larder:1:s:p:*").empty());
  CHECK(a->evict({models_tag}) == EvictOutcome::done);
}

TEST_CASE("lease: Redis is gone: the write goes on, its eviction is remembered") {
  RedisServer redis;
  const auto a = make_process(redis);
  a->fill("k", models, "old");
  SUBCASE("before it began") {
    redis.kill();
    CHECK(a->until([&] { return !a->store->is_available(); }));
    LeasePointer lease = a->begin_write({models_tag});
    CHECK_FALSE(lease);
    CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::deferred);
  }
  SUBCASE("while it lasted") {
    LeasePointer lease = a->begin_write({models_tag});
    REQUIRE(lease);
    redis.kill();
    CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::deferred);
  }
  CHECK(a->shared->pending.some().tags == policy::Tags{models_tag});
  redis.start();
  CHECK(a->until_available());
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("lease: what Redis missed is evicted beside the leases of others") {
  RedisServer& redis = shared_redis();
  const auto a = make_process(redis);
  const auto b = make_process(redis);
  a->fill("k", models, "old");
  const LeasePointer lease = b->begin_write({models_tag});
  const std::vector<std::string> leases = leases_of(redis);
  a->shared->pending.add({models_tag});
  CHECK_FALSE(a->store->is_available());
  CHECK(a->until_available());
  CHECK(leases_of(redis) == leases);
  CHECK(b->content("k", models) == "-");
}

TEST_CASE("scripts that Redis has forgotten are loaded again, and no eviction is lost") {
  RedisServer redis;
  const auto a = make_process(redis);
  a->fill("k", models, "old");
  SUBCASE("before an eviction") {
    redis.command({"SCRIPT", "FLUSH"});
    CHECK(a->evict({models_tag}) == EvictOutcome::deferred);
    CHECK(a->content("k", models) == "!");
  }
  SUBCASE("within a write") {
    LeasePointer lease = a->begin_write({models_tag});
    redis.command({"SCRIPT", "FLUSH"});
    CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::deferred);
  }
  SUBCASE("before a write") {
    redis.command({"SCRIPT", "FLUSH"});
    CHECK_FALSE(a->begin_write({models_tag}));
    CHECK(a->until_available());
    LeasePointer lease = a->begin_write({models_tag});
    REQUIRE(lease);
    CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  }
  SUBCASE("before a put") {
    redis.command({"SCRIPT", "FLUSH"});
    const auto fresh = make_process(redis);
    const Stamps known = fresh->stamps(stats).value();
    redis.command({"SCRIPT", "FLUSH"});
    CHECK(fresh->put("s", stats, known, make_response("x")) == PutOutcome::stored);
    CHECK(fresh->content("s", stats) == "!");
    CHECK(fresh->until_available());
    CHECK(fresh->evict({models_tag}) == EvictOutcome::done);
  }
  CHECK(a->until_available());
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("a Redis that runs no scripts is not used") {
  RedisServer redis;
  REQUIRE_FALSE(
      redis.command({"ACL", "SETUSER", "larder", "on", ">pw", "~*", "+@all", "-script"}).failed);
  config::RedisSettings settings = redis.settings();
  settings.username = "larder";
  settings.password = "pw";
  TestStore a(TestStore::make_shared(0), settings);
  CHECK_FALSE(a.until_available(200ms));
  REQUIRE_FALSE(redis.command({"ACL", "SETUSER", "larder", "+script"}).failed);
  CHECK(a.until_available());
}

TEST_CASE("a full Redis still takes leases, and evicts beside those of others") {
  RedisServer redis;
  const auto a = make_process(redis);
  a->fill("k", models, "old");
  const LeasePointer before = a->begin_write({models_tag});
  redis.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  redis.command({"CONFIG", "SET", "maxmemory", "1"});
  LeasePointer lease = a->begin_write({models_tag});
  REQUIRE(lease);
  CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
  CHECK(leases_of(redis).size() == 1);
  CHECK(a->content("k", models) == "-");
}

TEST_CASE("a user who may not publish holds leases all the same") {
  RedisServer redis;
  redis.command({"ACL", "SETUSER", "default", "resetchannels"});
  const auto a = make_process(redis);
  LeasePointer lease = a->begin_write({models_tag});
  REQUIRE(lease);
  CHECK(a->end_write(std::move(lease), {models_tag}) == EvictOutcome::done);
}

// What the others are told
// -------------------------------------------------------------------------

/// Reads what is published, in order.
class Listener {
 public:
  explicit Listener(const RedisServer& redis)
      : context_(redisConnectWithTimeout("127.0.0.1", redis.port(), {5, 0}), redisFree) {
    freeReplyObject(
        redisCommand(context_.get(), "SUBSCRIBE %s", std::string(store::lease_channel).c_str()));
  }

  /// Runs the loop until there is one.
  LeaseMessage next(TestStore& process) {
    void* raw = nullptr;
    REQUIRE(process.until([&] {
      pollfd readable{context_->fd, POLLIN, 0};
      if (poll(&readable, 1, 0) == 1) redisBufferRead(context_.get());
      return redisGetReplyFromReader(context_.get(), &raw) == REDIS_OK && raw != nullptr;
    }));
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(raw),
                                                             freeReplyObject);
    REQUIRE(reply->elements == 3);
    const std::string text(reply->element[2]->str, reply->element[2]->len);
    CAPTURE(text);
    const std::optional<LeaseMessage> message = store::parse_lease_message(text);
    REQUIRE(message);
    return *message;
  }

 private:
  const std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

TEST_CASE("lease messages: each step is told, with its keys and its time") {
  using Event = LeaseMessage::Event;
  RedisServer& redis = shared_redis();
  Listener listener(redis);
  const std::vector<std::string> keys{"larder:1:s:p:/a b", "larder:1:s:r:\r\n:1"};
  const policy::Tags tags{"p:/a b", "r:\r\n:1"};

  SUBCASE("taken, renewed, ended") {
    const auto a = make_process(redis, 1s);
    LeasePointer lease = a->begin_write(tags);
    const LeaseMessage taken = listener.next(*a);
    CHECK(taken == LeaseMessage{Event::taken, taken.holder, 1s, keys});
    CHECK(listener.next(*a) == LeaseMessage{Event::renewed, taken.holder, 1s, keys});
    a->store->cancel_write(std::move(lease));
    LeaseMessage last = listener.next(*a);
    while (last.event == Event::renewed) last = listener.next(*a);
    CHECK(last == LeaseMessage{Event::ended, taken.holder, 0ms, keys});
  }
  SUBCASE("settling: nobody need evict for it any more") {
    make_process(redis)->fill("k", models, "x");
    const auto a = make_process(redis, 60s, 0, 60s);
    LeasePointer lease = a->begin_write(tags);
    const std::string holder = listener.next(*a).holder;
    CHECK(a->end_write(std::move(lease), {tags.front()}) == EvictOutcome::done);
    CHECK(listener.next(*a) == LeaseMessage{Event::ended, holder, 0ms, keys});
  }
  SUBCASE("an eviction without a lease: nothing") {
    const auto a = make_process(redis);
    CHECK(a->evict(tags) == EvictOutcome::done);
    LeasePointer lease = a->begin_write(tags);
    CHECK(listener.next(*a).event == Event::taken);
  }
}

}  // namespace
}  // namespace larder::test
