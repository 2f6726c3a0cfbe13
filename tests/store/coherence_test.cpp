// What may be believed of memory without asking Redis: until when, and what is heard meanwhile.

#include "store/coherence.hpp"

#include <sstream>

#include <doctest/doctest.h>

#include "store/codec.hpp"
#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"
#include "store/xxh3.hpp"
#include "support/log_capture.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

using store::Coherence;
using store::Tier;

constexpr std::uint64_t memory_size = 64 << 20;

TEST_CASE("Coherence: until when what was verified is believed") {
  Coherence coherence;
  const SteadyClock::time_point asked = SteadyClock::now();
  CHECK(coherence.listening() == 0);
  CHECK(coherence.trusted(asked) == 0);

  const Coherence::Connection first = coherence.begin();
  CHECK(coherence.listening() == first);
  CHECK(coherence.trusted(asked) == 0);  // nothing has come back yet

  coherence.believe(first, asked, 1s);
  CHECK(coherence.trusted(asked) == first);
  CHECK(coherence.trusted(asked + 1s - 1ns) == first);
  CHECK(coherence.trusted(asked + 1s) == 0);

  coherence.lose();
  CHECK(coherence.listening() == 0);
  CHECK(coherence.trusted(asked) == 0);

  CHECK(coherence.hears_of(7));  // nobody knows which run it is
  const Coherence::Connection second = coherence.begin(7);
  CHECK(coherence.hears_of(7));
  CHECK_FALSE(coherence.hears_of(8));
  CHECK(coherence.hears_of(0));
  CHECK(second != first);
  CHECK(coherence.trusted(asked) == 0);
  coherence.believe(first, asked, 1s);  // a late answer on the one that is gone
  CHECK(coherence.trusted(asked) == 0);
}

/// A replica that listens.
class Replica : public TestStore {
 public:
  explicit Replica(const config::RedisSettings& settings)
      : TestStore(make_shared(memory_size), settings) {
    listen(settings);
    REQUIRE(until_available());
    REQUIRE(until_trusted());
  }

  /// What memory answers without asking anybody; "?" when Redis has to be asked.
  std::string remembered(std::string_view key, Resource resource) const {
    const std::optional<Lookup> now = store->lookup_now(key, resource);
    if (!now) return "?";
    if (!now->available) return "!";
    return now->response ? std::string(now->response->content.view()) : "-";
  }
  /// Reads it until memory has it and may be believed.
  bool learns(std::string_view key, Resource resource) {
    return until([&] {
      lookup(key, resource);
      return remembered(key, resource) != "?";
    });
  }
};

config::RedisSettings with_heartbeat(config::RedisSettings settings,
                                     std::chrono::milliseconds heartbeat) {
  settings.heartbeat = heartbeat;
  return settings;
}

// Longer than a test takes, so that nothing depends on how fast it runs.
constexpr std::chrono::milliseconds ages = 10min;

TEST_CASE("what a replica evicts, the others' memory gives up when they hear of it") {
  RedisServer redis;
  Replica a(with_heartbeat(redis.settings(), ages));
  Replica b(with_heartbeat(redis.settings(), ages));
  const std::string long_path = "/" + std::string(700, 'x') + "/";
  struct Case {
    const char* name;
    Resource resource;
    std::vector<std::string> own;
    policy::Tags evicted;
  };
  const Case cases[] = {
      {"its resource", models, {}, {"p:/api/models"}},
      {"what lies above", model_7, {}, {"b:/api/models"}},
      {"its rule", models, {}, {"r:models"}},
      {"a tag of its own", stats, {"k:one"}, {"k:one"}},
      {"a tag whose name in Redis is cut",
       {"long", long_path},
       {},
       {"p:" + long_path.substr(0, long_path.size() - 1)}},
      {"everything", models, {}, {std::string(store::everything_tag)}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    REQUIRE(a.fill("k", c.resource, "old", c.own) == PutOutcome::stored);
    REQUIRE(b.learns("k", c.resource));
    CHECK(b.remembered("k", c.resource) == "old");
    REQUIRE(a.evict(c.evicted) == EvictOutcome::done);
    CHECK(a.remembered("k", c.resource) == "?");  // at once where the write was
    CHECK(b.until([&] { return b.remembered("k", c.resource) == "?"; }));
    CHECK(b.content("k", c.resource) == "-");
  }
}

TEST_CASE("strict: not for a moment") {
  RedisServer redis;
  Replica a(with_heartbeat(redis.settings(), ages));
  Replica b(with_heartbeat(redis.settings(), ages));
  Resource strict = models;
  strict.strict = true;
  a.fill("k", models, "old");
  REQUIRE(b.learns("k", models));
  CHECK(b.remembered("k", strict) == "?");
  CHECK(b.content("k", strict) == "old");
  REQUIRE(a.evict({"p:/api/models"}) == EvictOutcome::done);
  // b has not run since, so it has not heard.
  CHECK(b.remembered("k", models) == "old");
  CHECK(b.content("k", strict) == "-");
}

TEST_CASE("a database that was emptied is heard of") {
  RedisServer redis;
  Replica b(with_heartbeat(redis.settings(), ages));
  b.fill("k", models, "old");
  REQUIRE(b.learns("k", models));
  redis.command({"FLUSHALL"});
  CHECK(b.until([&] { return b.remembered("k", models) == "?"; }));
  CHECK(b.content("k", models) == "-");
}

TEST_CASE("a connection that was lost: what it would have told is not believed any more") {
  RedisServer redis;
  Replica a(with_heartbeat(redis.settings(), ages));
  Replica b(with_heartbeat(redis.settings(), ages));
  a.fill("gone", models, "old");
  a.fill("kept", stats, "kept");
  REQUIRE(b.learns("gone", models));
  REQUIRE(b.learns("kept", stats));
  const Coherence::Connection before = b.shared->coherence.listening();
  REQUIRE_FALSE(redis.command({"CLIENT", "KILL", "TYPE", "pubsub"}).failed);
  REQUIRE(a.evict({"p:/api/models"}) == EvictOutcome::done);
  // Back, and trusted: but not for what was verified before.
  CHECK(b.until([&] {
    const Coherence::Connection now = b.shared->coherence.trusted(SteadyClock::now());
    return now != 0 && now != before;
  }));
  CHECK(b.remembered("gone", models) == "?");
  CHECK(b.remembered("kept", stats) == "?");
  CHECK(b.content("gone", models) == "-");
  // What is still current is not read again, only verified.
  CHECK(b.lookup("kept", stats).tier == Tier::memory);
  CHECK(b.remembered("kept", stats) == "kept");
}

TEST_CASE("a Redis that hangs: trust ends with the heartbeat, and comes back") {
  RedisServer redis;
  config::RedisSettings settings = with_heartbeat(redis.settings(), 300ms);
  settings.timeout = 200ms;
  Replica b(settings);
  b.fill("k", models, "x");
  REQUIRE(b.learns("k", models));
  redis.pause();
  CHECK(b.until([&] { return b.shared->coherence.trusted(SteadyClock::now()) == 0; }));
  CHECK(b.content("k", models) == "!");
  redis.go_on();
  CHECK(b.until_available());
  CHECK(b.until_trusted());
  CHECK(b.learns("k", models));
  CHECK(b.remembered("k", models) == "x");
}

TEST_CASE("while trusted, memory answers although Redis does not") {
  RedisServer redis;
  Replica b(with_heartbeat(redis.settings(), ages));
  b.fill("k", models, "x");
  REQUIRE(b.learns("k", models));
  redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  CHECK(b.until([&] { return !b.store->is_available(); }));
  CHECK(b.remembered("k", models) == "x");
  CHECK(b.remembered("nothing", models) == "!");
}

TEST_CASE("a user who may not track: each hit asks, and it is said once") {
  RedisServer redis;
  const std::vector<std::vector<std::string>> users = {
      {"ACL", "SETUSER", "larder", "on", ">pw", "~*", "&*", "+@all", "-client|tracking"},
      {"ACL", "SETUSER", "larder", "on", ">pw", "~*", "resetchannels", "+@all"}};
  for (const std::vector<std::string>& user : users) {
    CAPTURE(user.back());
    REQUIRE_FALSE(redis.command(user).failed);
    config::RedisSettings settings = with_heartbeat(redis.settings(), 100ms);
    settings.username = "larder";
    settings.password = "pw";
    LogCapture log;
    TestStore b(TestStore::make_shared(memory_size), settings);
    b.listen(settings);
    CHECK(b.until([&] { return log.says("does not tell of evictions: NOPERM"); }));
    CHECK(b.until_available());
    b.fill("k", models, "x");
    CHECK(b.lookup("k", models).tier == Tier::memory);
    CHECK_FALSE(b.store->lookup_now("k", models));
    CHECK(log.lines("does not tell of evictions") == 1);
    redis.command({"ACL", "DELUSER", "larder"});
  }
}

TEST_CASE("a lease that nobody ended: whoever heard of it evicts for it") {
  for (const std::uint64_t memory : {memory_size, std::uint64_t{0}}) {
    CAPTURE(memory);
    RedisServer redis;
    TestStore b(TestStore::make_shared(memory), redis.settings());
    b.listen(redis.settings());
    REQUIRE(b.until_available());
    const auto publish = [&](const std::string& event, const std::string& holder, const char* tag) {
      const std::string key = std::string("larder:1:s:") + tag;
      const std::string time = event == "ended" ? "0" : "20";
      std::string text = event;
      text.append(" ").append(holder).append(" ").append(time).append(" ");
      text.append(std::to_string(key.size())).append(":").append(key);
      return redis.command({"PUBLISH", "larder:1:leases", text}).integer == 1;
    };
    REQUIRE(b.until([&] { return publish("nonsense", "00000000000000bb", "p:/stats"); }));
    b.fill("killed", models, "old");
    b.fill("ended", stats, "kept");
    CHECK(publish("taken", "00000000000000aa", "p:/stats"));
    CHECK(publish("ended", "00000000000000aa", "p:/stats"));
    CHECK(publish("taken", "00000000000000cc", "p:/api/models"));
    CHECK(b.until([&] { return redis.keys("larder:1:s:p:/api/models").empty(); }));
    CHECK(b.content("killed", models) == "-");
    CHECK(b.content("ended", stats) == "kept");
  }
}

// The moments between ---------------------------------------------------------------------------

/// A store on a Redis of the same loop, which the test believes to be listened to.
struct Scripted {
  Scripted() : loop(TestStore::make_shared(memory_size)), redis(loop.context) {
    loop.store = store::make_redis_store(*loop.shared, loop.context, redis.settings());
    Coherence& coherence = loop.shared->coherence;
    coherence.believe(coherence.begin(), SteadyClock::now(), ages);
    REQUIRE(loop.until_available());
  }
  bool remembers(Resource resource) const {
    return loop.store->lookup_now("k", resource).has_value();
  }
  TestStore loop;
  ScriptedRedis redis;
};

constexpr std::string_view scripted_stamp = "00000000000000ff";  // of all tags, in scripted Redis

constexpr std::string_view stored_for = ":3600000\r\n";  // PTTL of "k"
/// What HMGET answers for "k".
std::string stored_value(const std::vector<std::string>& own) {
  const std::size_t tags = store::stamped_tags(models).size() - 1 + own.size();
  const policy::StoredResponsePointer response = make_response("x", own);
  const Stamps stamps(tags, store::parse_stamp(scripted_stamp));
  const std::optional<std::string> head = store::encode_head("k", *response, stamps, 1h);
  REQUIRE(head);
  return "*2\r\n" + bulk(*head) + bulk("x");
}

TEST_CASE("heard of while Redis is read: what was read is not believed") {
  struct Case {
    const char* name;
    std::string heard;    ///< the tag whose eviction is heard of; empty: none is
    std::size_t at_read;  ///< when that MGET arrives
    bool remembered;
  };
  const Case cases[] = {
      {"nothing is heard of", "", 0, true},
      {"of its resource, as its stamps are read", "p:/api/models", 1, false},
      {"of its resource, as those of its own tags are read", "p:/api/models", 2, false},
      {"of its own tag, as the stamp is read", "k:one", 2, false},
      {"of another resource", "p:/api/other", 2, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Scripted scripted;
    std::size_t reads = 0;
    scripted.redis.set_script([&](const Words& words) {
      if (words[0] == "HMGET") return stored_value({"k:one"});
      if (words[0] == "PTTL") return std::string(stored_for);
      if (words[0] == "MGET" && ++reads == c.at_read)
        scripted.loop.shared->stamps.evict_name(c.heard);
      return ScriptedRedis::answer(words);
    });
    CHECK(scripted.loop.content("k", models) == "x");
    CHECK(reads == 2);
    CHECK(scripted.remembers(models) == c.remembered);
  }
}

TEST_CASE("the connection lost and back while Redis is read: what was read is not believed") {
  for (const bool is_held : {false, true}) {
    CAPTURE(is_held);
    Scripted scripted;
    Coherence& coherence = scripted.loop.shared->coherence;
    bool loses = false;
    scripted.redis.set_script([&](const Words& words) {
      if (words[0] == "HMGET") return stored_value({});
      if (words[0] == "PTTL") return std::string(stored_for);
      if (words[0] == "MGET" && loses)
        coherence.believe(coherence.begin(), SteadyClock::now(), ages);
      return ScriptedRedis::answer(words);
    });
    if (is_held) CHECK(scripted.loop.content("k", models) == "x");
    coherence.believe(coherence.begin(), SteadyClock::now(), ages);
    loses = true;
    CHECK(scripted.loop.lookup("k", models).tier == (is_held ? Tier::memory : Tier::redis));
    CHECK_FALSE(scripted.remembers(models));
    loses = false;
    CHECK(scripted.loop.lookup("k", models).tier == Tier::memory);
    CHECK(scripted.remembers(models));
  }
}

TEST_CASE("an eviction of this process: what another thread read before Redis had it is gone") {
  Scripted scripted;
  store::Shared& shared = *scripted.loop.shared;
  bool is_evicting = false;
  scripted.redis.set_script([&](const Words& words) {
    if (is_evicting) {
      // As that thread does: the local stamps are noted after the eviction has begun.
      store::MemoryStore::Guard guard;
      for (const std::string& tag : store::stamped_tags(models)) {
        const store::LocalStamps::Slot slot = store::LocalStamps::slot_of(tag);
        guard.add(slot, shared.stamps.current(slot));
      }
      shared.memory.put("k", *make_response("old"), guard, {{}, shared.coherence.listening()},
                        SteadyClock::now() + 1h);
      CHECK(scripted.remembers(models));
      is_evicting = false;
    }
    return ScriptedRedis::answer(words);
  });
  is_evicting = true;
  scripted.loop.evict({"p:/api/models"});
  CHECK_FALSE(is_evicting);
  CHECK_FALSE(scripted.remembers(models));
}

TEST_CASE("a Redis that tells nonsense is not listened to") {
  const std::string cases[] = {
      "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n:1\r\n",
      "*2\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n",
      "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n:1\r\n",
      "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n*1\r\n:1\r\n",
      "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*100000\r\n",
      "*3\r\n$7\r\nmessage\r\n:1\r\n:1\r\n",
      "+OK\r\n",
  };
  for (const std::string& nonsense : cases) {
    CAPTURE(nonsense);
    TestStore b(TestStore::make_shared(memory_size));
    ScriptedRedis redis(b.context);
    const auto answer = [](const Words& words) -> std::string {
      if (words[0] == "CLIENT") return words[1] == "ID" ? ":7\r\n" : "+OK\r\n";
      if (words[0] == "SUBSCRIBE") return "*3\r\n$9\r\nsubscribe\r\n" + bulk(words[1]) + ":1\r\n";
      return ScriptedRedis::answer(words);
    };
    redis.set_script(answer);
    b.listen(with_heartbeat(redis.settings(), 40ms));
    REQUIRE(b.until_trusted());
    const Coherence::Connection before = b.shared->coherence.listening();
    bool told = false;
    redis.set_script([&](const Words& words) {
      if (told || words[0] != "PING") return answer(words);
      told = true;
      return answer(words) + nonsense;
    });
    CHECK(b.until([&] {
      const Coherence::Connection now = b.shared->coherence.listening();
      return now != 0 && now != before;
    }));
    CHECK(redis.connections() >= 2);
  }
}

}  // namespace
}  // namespace larder::test
