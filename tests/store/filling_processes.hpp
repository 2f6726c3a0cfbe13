// Filling processes: those that fill from one real Redis, each by its own name or as workers of
// one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "store/test_store.hpp"
#include "support/redis_server.hpp"

namespace larder::test {

inline constexpr const char* lock_of_k = "larder:1:f:k";

/// One Redis for all tests of a program that do not harm it; empty again for each use.
inline RedisServer& shared_redis() {
  static RedisServer server;
  server.command({"FLUSHALL"});
  return server;
}

/// A process of its own; locks that no machine is too slow for, and no memory, unless said.
inline std::unique_ptr<TestStore> make_process(const RedisServer& redis,
                                               std::chrono::milliseconds fill_lock = 60s,
                                               std::uint64_t memory = 0) {
  config::RedisSettings settings = redis.settings();
  settings.fill_lock = fill_lock;
  auto made = std::make_unique<TestStore>(TestStore::make_shared(memory), settings);
  REQUIRE(made->until_available());
  return made;
}

/// Two workers of one process, without memory.
struct TwoWorkers {
  explicit TwoWorkers(const RedisServer& redis)
      : process(TestStore::make_shared(0)),
        one(process, redis.settings()),
        other(process, redis.settings()) {
    REQUIRE(one.until_available());
    REQUIRE(other.until_available());
  }

  std::shared_ptr<store::Shared> process;
  TestStore one;
  TestStore other;
};

}  // namespace larder::test
