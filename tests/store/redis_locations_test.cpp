// Where Redis is: what Sentinels and nodes of a Cluster tell, and that the right one is used.

#include <doctest/doctest.h>

#include "store/partitioned_store.hpp"
#include "store/redis_names.hpp"
#include "store/redis_topology.hpp"
#include "store/reply_reader.hpp"
#include "store/scripted_redis.hpp"
#include "store/store_contract.hpp"
#include "support/redis_server.hpp"

namespace larder::test {
namespace {

constexpr std::uint64_t memory_size = 64 << 20;

// Topology ----------------------------------------------------------------------------------------

TEST_CASE("the slot of a key is that of its hash tag") {
  struct Case {
    const char* name;
    std::string key;
    std::uint16_t slot;
  };
  const Case cases[] = {
      {"the check value of CRC16 XMODEM", "123456789", 12739},
      {"a hash tag alone counts", "larder:1:{5}:s:p:/a", store::slot_of("5")},
      {"the first one", "foo{bar}{zap}", store::slot_of("bar")},
      {"to its first brace", "foo{{bar}}zap", store::slot_of("{bar")},
      {"an empty one does not count", "foo{}{bar}", 8363},
      {"an open one does not count", "foo{bar", 15278},
      {"nothing", "", 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(store::slot_of(c.key) == c.slot);
  }
}

TEST_CASE("partitions lie evenly: four on each quarter of the slots") {
  std::array<int, 4> quarters{};
  for (unsigned i = 0; i < store::partition_count; ++i)
    ++quarters[store::slot_of(store::partition_root(i)) / 4096];
  CHECK(quarters == std::array<int, 4>{4, 4, 4, 4});
}

std::optional<store::ClusterSlots> read_slots(std::string_view reply) {
  store::Pipeline pipeline;
  pipeline.add({"CLUSTER", "SLOTS"});
  store::ReplyReader reader(store::of_topologies);
  store::Received received{reply, nullptr};  // which outlives the pipeline
  if (reader.read(received, pipeline) != store::ReplyReader::Result::complete) return {};
  return store::read_cluster_slots(pipeline, {"asked", 7000});
}

TEST_CASE("CLUSTER SLOTS of each version is understood, and nothing else") {
  struct Case {
    const char* name;
    std::string reply;
    std::string expected;  ///< "-": refused
  };
  const std::string a = "*3\r\n$2\r\nha\r\n:1\r\n$1\r\ni\r\n";
  const std::string b = "*3\r\n$2\r\nhb\r\n:2\r\n$1\r\ni\r\n";
  const Case cases[] = {
      {"a master alone", "*1\r\n*3\r\n:0\r\n:16383\r\n" + a, "0-16383 ha:1 | ha:1"},
      {"masters with replicas",
       "*2\r\n*4\r\n:0\r\n:99\r\n" + a + b + "*4\r\n:100\r\n:16383\r\n" + b + a,
       "0-99 ha:1, 100-16383 hb:2 | ha:1 hb:2"},
      {"nodes before Redis 4 have no id", "*1\r\n*3\r\n:5\r\n:5\r\n*2\r\n$2\r\nha\r\n:1\r\n",
       "5-5 ha:1 | ha:1"},
      {"metadata of Redis 7",
       "*1\r\n*4\r\n:0\r\n:1\r\n*4\r\n$2\r\nha\r\n:1\r\n$1\r\ni\r\n*2\r\n$8\r\nhostname\r\n"
       "$1\r\nx\r\n" +
           b,
       "0-1 ha:1 | ha:1 hb:2"},
      {"an unknown endpoint is where it was asked",
       "*1\r\n*3\r\n:0\r\n:1\r\n*3\r\n$-1\r\n:7001\r\n$1\r\ni\r\n", "0-1 asked:7001 | asked:7001"},
      {"so is an empty one", "*1\r\n*3\r\n:0\r\n:1\r\n*3\r\n$0\r\n\r\n:7001\r\n$1\r\ni\r\n",
       "0-1 asked:7001 | asked:7001"},
      {"and one that does not know its name",
       "*1\r\n*3\r\n:0\r\n:1\r\n*3\r\n$1\r\n?\r\n:7001\r\n$1\r\ni\r\n",
       "0-1 asked:7001 | asked:7001"},
      {"a cluster without slots", "*0\r\n", " | "},
      {"an error", "-ERR This instance has cluster support disabled\r\n", "-"},
      {"a text", "$2\r\nha\r\n", "-"},
      {"a range without a master", "*1\r\n*2\r\n:0\r\n:1\r\n", "-"},
      {"a range that ends before it begins", "*1\r\n*3\r\n:2\r\n:1\r\n" + a, "-"},
      {"a slot that there is not", "*1\r\n*3\r\n:0\r\n:16384\r\n" + a, "-"},
      {"a negative slot", "*1\r\n*3\r\n:-1\r\n:1\r\n" + a, "-"},
      {"a port that there is not", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$2\r\nha\r\n:65536\r\n", "-"},
      {"a node without a port", "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$2\r\nha\r\n", "-"},
      {"a host that is a number", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:7\r\n:1\r\n", "-"},
      {"deeper than any version",
       "*1\r\n*3\r\n:0\r\n:1\r\n*3\r\n$1\r\na\r\n:1\r\n*1\r\n*1\r\n:1\r\n", "-"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<store::ClusterSlots> slots = read_slots(c.reply);
    std::string found = slots ? "" : "-";
    if (slots) {
      for (const store::SlotRange& range : slots->ranges)
        found += (found.empty() ? "" : ", ") + std::to_string(range.first) + "-" +
                 std::to_string(range.last) + " " + config::format_endpoint(range.master);
      found += " |";
      for (const config::Endpoint& node : slots->nodes)
        found += " " + config::format_endpoint(node);
      if (slots->nodes.empty()) found += " ";
    }
    CHECK(found == c.expected);
  }
}

TEST_CASE("topology: who answered is asked first, who failed last, and seeds are never forgotten") {
  const config::Endpoint a{"a", 1};
  const config::Endpoint b{"b", 1};
  const config::Endpoint c{"c", 1};
  using Nodes = std::vector<config::Endpoint>;
  store::RedisTopology topology({a, b});
  CHECK(topology.to_ask() == Nodes{a, b});
  topology.has_failed(a);
  CHECK(topology.to_ask() == Nodes{b, a});
  const SteadyClock::time_point now = SteadyClock::now();
  CHECK_FALSE(topology.is_fresh(now));
  topology.learn({{{0, 99, b}, {100, 199, c}}, {b, c}}, now);
  CHECK(topology.to_ask() == Nodes{b, c, a});
  topology.has_answered(c);
  CHECK(topology.to_ask() == Nodes{c, b, a});
  CHECK(topology.master_of(0) == b);
  CHECK(topology.master_of(99) == b);
  CHECK(topology.master_of(100) == c);
  CHECK_FALSE(topology.master_of(200));
  CHECK(topology.is_fresh(now + store::RedisTopology::believed_for - 1ms));
  CHECK_FALSE(topology.is_fresh(now + store::RedisTopology::believed_for));
}

// Scripted: Sentinels and nodes that say what they would in the middle of a failover
// -----------------

/// One server that plays the Sentinel and the Redis it names.
struct Located {
  explicit Located(config::RedisKind kind) : context_of_store(std::make_unique<TestStore>(shared)) {
    settings = server.settings();
    settings.kind = kind;
    settings.seeds = {settings.endpoint};
    settings.endpoint = {};
    settings.master_name = "mymaster";
    settings.connect_timeout = 2'000ms;
  }
  void connect() {
    context_of_store->store = store::make_redis_store(*shared, context_of_store->context, settings);
  }
  [[nodiscard]] std::string own_address() const {
    const std::string port = std::to_string(settings.seeds.front().port);
    return "*2\r\n" + bulk("127.0.0.1") + bulk(port);
  }
  [[nodiscard]] std::string own_slots() const {
    return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + bulk("127.0.0.1") + ":" +
           std::to_string(settings.seeds.front().port) + "\r\n" + bulk("id");
  }
  [[nodiscard]] bool has_seen(std::string_view word) const {
    for (const Words& words : server.commands())
      if (words[0] == word) return true;
    return false;
  }

  const std::shared_ptr<store::Shared> shared = TestStore::make_shared(0);
  const std::unique_ptr<TestStore> context_of_store;  ///< runs the loop of all of them
  ScriptedRedis server{context_of_store->context};
  config::RedisSettings settings;
};

TEST_CASE("Sentinel: what it names is used only once it says itself that it is a master") {
  Located located(config::RedisKind::sentinel);
  std::string role = "slave";
  located.server.set_script([&](const Words& words) {
    if (words[0] == "SENTINEL") return located.own_address();
    if (words[0] == "INFO") return bulk("run_id:1\r\nrole:" + role + "\r\nmaxmemory:1\r\n");
    return ScriptedRedis::answer(words);
  });
  located.connect();
  TestStore& a = *located.context_of_store;
  CHECK(a.until([&] { return located.server.connections() >= 6; }));
  CHECK_FALSE(a.store->is_available());
  role = "master";
  CHECK(a.until_available());
  CHECK(a.content("k", models) == "-");
}

TEST_CASE("Sentinel: a password is given to one that asks for it, and to no other") {
  for (const bool asks : {false, true}) {
    CAPTURE(asks);
    Located located(config::RedisKind::sentinel);
    located.settings.password = "secret";
    int with_password = 0;
    bool is_known = false;
    located.server.set_script([&](const Words& words) {
      if (words[0] == "INFO") return bulk("role:master\r\nmaxmemory:1\r\n");
      if (words[0] == "AUTH") is_known = true;
      if (words[0] != "SENTINEL") return ScriptedRedis::answer(words);
      if (is_known) ++with_password;
      return asks && !is_known ? std::string("-NOAUTH Authentication required.\r\n")
                               : located.own_address();
    });
    located.connect();
    CHECK(located.context_of_store->until_available());
    CHECK((with_password > 0) == asks);
  }
}

TEST_CASE("a master that has become a replica is left at the first write it refuses") {
  Located located(config::RedisKind::sentinel);
  bool is_demoted = false;
  located.server.set_script([&](const Words& words) {
    if (words[0] == "SENTINEL") return located.own_address();
    if (words[0] == "INFO") return bulk("role:master\r\nmaxmemory:1\r\n");
    if (is_demoted && words[0] == "SET")
      return std::string("-READONLY You can't write against a read only replica.\r\n");
    return ScriptedRedis::answer(words);
  });
  located.connect();
  TestStore& a = *located.context_of_store;
  REQUIRE(a.until_available());
  const int before = located.server.connections();
  is_demoted = true;
  CHECK_FALSE(a.stamps(models));
  CHECK_FALSE(a.store->is_available());
  CHECK(a.until([&] { return located.server.connections() >= before + 2; }));
  is_demoted = false;
  CHECK(a.until_available());
}

TEST_CASE("Cluster: no SELECT is sent, and a node that sends elsewhere is not used") {
  for (const std::string wrong :
       {"-MOVED 115 127.0.0.1:1\r\n", "-ASK 115 127.0.0.1:1\r\n",
        "-CLUSTERDOWN Hash slot not served\r\n", "-TRYAGAIN Multiple keys request\r\n"}) {
    CAPTURE(wrong);
    Located located(config::RedisKind::cluster);
    bool is_elsewhere = true;
    located.server.set_script([&](const Words& words) {
      if (words[0] == "CLUSTER") return located.own_slots();
      if (words[0] == "EXISTS") return is_elsewhere ? wrong : std::string(":0\r\n");
      return ScriptedRedis::answer(words);
    });
    located.connect();
    TestStore& a = *located.context_of_store;
    CHECK(a.until([&] {
      return located.server.connections() >= static_cast<int>(2 * store::partition_count) + 4;
    }));
    CHECK(a.content("k", models) == "!");
    is_elsewhere = false;
    CHECK(a.until_available());
    CHECK(a.content("k", models) == "-");
    CHECK_FALSE(located.has_seen("SELECT"));
  }
}

// Failovers of a real Redis
// --------------------------------------------------------------------------

TEST_CASE("a master that is one again, without a restart, brings nothing back that was evicted") {
  RedisServer one;
  RedisServer other;
  const auto follow = [](RedisServer& replica, const RedisServer& master) {
    REQUIRE_FALSE(
        replica.command({"REPLICAOF", "127.0.0.1", std::to_string(master.port())}).failed);
    const auto in_step = [&] {
      return replica.command({"INFO", "replication"}).text.find("master_link_status:up") !=
             std::string::npos;
    };
    const SteadyClock::time_point end = SteadyClock::now() + 20s;
    while (!in_step() && SteadyClock::now() < end) {
    }
    REQUIRE(in_step());
  };
  const auto connect = [&] {
    auto made = std::make_unique<TestStore>(TestStore::make_shared(0), one.settings());
    REQUIRE(made->until_available());
    return made;
  };
  for (RedisServer* server : {&one, &other})
    server->command({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
  auto a = connect();
  REQUIRE(a->fill("k", models, "old") == PutOutcome::stored);
  REQUIRE(a->content("k", models) == "old");
  follow(other, one);
  REQUIRE_FALSE(other.command({"REPLICAOF", "NO", "ONE"}).failed);
  // The other one misses this, and then hands its data back.
  REQUIRE(a->evict({"p:/api/models"}) == EvictOutcome::done);
  follow(one, other);
  REQUIRE_FALSE(one.command({"REPLICAOF", "NO", "ONE"}).failed);
  REQUIRE(one.keys("larder:1:v:k").size() == 1);
  REQUIRE(one.keys("larder:1:s:p:/api/models").size() == 1);
  const auto b = connect();
  CHECK(b->content("k", models) == "-");
  CHECK(b->fill("k", models, "new") == PutOutcome::stored);
  // Who comes later to the same history leaves what is there as it is.
  CHECK(connect()->content("k", models) == "new");
}

// A real cluster, of one node ---------------------------------------------------------------------

class OneNodeCluster {
 public:
  OneNodeCluster() : server({"--cluster-enabled", "yes"}) {
    const RedisServer::Answer added = server.command({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    REQUIRE_MESSAGE(!added.failed, added.text);
  }
  [[nodiscard]] config::RedisSettings settings() const {
    config::RedisSettings settings = server.settings();
    settings.kind = config::RedisKind::cluster;
    settings.seeds = {settings.endpoint};
    return settings;
  }
  [[nodiscard]] std::unique_ptr<TestStore> connect(std::uint64_t memory) {
    auto made = std::make_unique<TestStore>(TestStore::make_shared(memory), settings());
    REQUIRE(made->until_available());
    return made;
  }
  RedisServer server;
};

OneNodeCluster& shared_cluster() {
  static OneNodeCluster cluster;
  return cluster;
}
std::unique_ptr<TestStore> make_over_cluster(std::uint64_t memory) {
  shared_cluster().server.command({"FLUSHALL"});
  return shared_cluster().connect(memory);
}

TEST_CASE("store contract: Redis Cluster alone") {
  check_store_contract([] { return make_over_cluster(0); });
}

TEST_CASE("store contract: memory over Redis Cluster") {
  check_store_contract([] { return make_over_cluster(memory_size); });
}

TEST_CASE("Cluster: an eviction reaches the responses of every partition, in every process") {
  const auto a = make_over_cluster(0);
  const auto b = shared_cluster().connect(memory_size);
  const auto content = [](const TestStore& store, int i) {
    return const_cast<TestStore&>(store).content("k" + std::to_string(i), models);
  };
  constexpr int keys = 200;
  for (int i = 0; i < keys; ++i)
    REQUIRE(a->fill("k" + std::to_string(i), models, "x") == PutOutcome::stored);
  for (int i = 0; i < keys; ++i) REQUIRE(content(*b, i) == "x");
  for (unsigned i = 0; i < store::partition_count; ++i) {
    CAPTURE(i);
    CHECK_FALSE(shared_cluster().server.keys(store::partition_root(i) + "v:*").empty());
  }
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::done);
  for (int i = 0; i < keys; ++i) {
    CHECK(content(*a, i) == "-");
    CHECK(content(*b, i) == "-");
  }
}

TEST_CASE("Cluster: what a node did not acknowledge is delivered when it is back") {
  OneNodeCluster cluster;
  const auto a = cluster.connect(0);
  REQUIRE(a->fill("k", models, "old") == PutOutcome::stored);
  cluster.server.kill();
  CHECK(a->until([&] { return a->content("k", models) == "!"; }));
  CHECK(a->evict({"p:/api/models"}) == EvictOutcome::deferred);
  for (const store::PendingEvictions& pending : a->shared->pending_of_partitions)
    CHECK(pending.any());
  cluster.server.start();
  CHECK(a->until_available(20s));
  for (const store::PendingEvictions& pending : a->shared->pending_of_partitions)
    CHECK_FALSE(pending.any());
  CHECK(a->content("k", models) == "-");
}

}  // namespace
}  // namespace larder::test
