// Tiered store: the three stores a worker may have: memory alone, Redis alone, memory over Redis.
//
// Memory over Redis: while Redis is heard to tell of evictions (store/eviction_listener), a
// response found in memory is used as it is. Else, and where a rule is strict, only after its
// stamps in Redis have been read and found current, so that replicas agree. When Redis cannot say,
// memory is not believed either: another replica may have written.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "config/config.hpp"
#include "store/coherence.hpp"
#include "store/local_stamps.hpp"
#include "store/memory_store.hpp"
#include "store/pending_evictions.hpp"
#include "store/redis_names.hpp"
#include "store/settling.hpp"
#include "store/stamps.hpp"
#include "store/state_log.hpp"
#include "store/store.hpp"
#include "store/tls.hpp"
#include "store/write_times.hpp"

namespace larder::store {

/// What the stores of all workers of a process share. Outlives every one of them and their
/// io_contexts.
struct Shared {
  explicit Shared(std::uint64_t memory_capacity, WriteTimes of_writes = {})
      : times(of_writes), memory(memory_capacity, stamps) {}

  const WriteTimes times;
  LocalStamps stamps;
  Settling settling;
  MemoryStore memory;
  Coherence coherence;
  PendingEvictions pending;
  std::array<PendingEvictions, partition_count> pending_of_partitions;  ///< of a Redis Cluster
  StateLog log;
  /// Lookups and stores that came to nothing since Redis, though in use, refused or did not answer.
  std::atomic<std::uint64_t> failures{0};
  TlsContext redis_tls;  ///< null: Redis is spoken to in the clear
  /// Hottest keys that are left to the next process, and fetched from the last one; zero: none.
  std::size_t warm = 0;
  std::atomic<unsigned> warming{0};  ///< stores that are being warmed
  /// With memory alone, when the process starts: it knows of no write that was carried out before,
  /// so that at first nothing at all is stored, for as long as a write has to settle. With Redis
  /// whoever connects sees to it.
  void settle_everything() {
    if (times.settle.count() > 0)
      settling.note({std::string(everything_tag)}, SteadyClock::now() + times.settle);
  }
  /// Evictions that Redis has not acknowledged yet.
  [[nodiscard]] std::size_t owed() const {
    std::size_t sum = pending.size();
    for (const PendingEvictions& partition : pending_of_partitions) sum += partition.size();
    return sum;
  }
  const std::string process = format_stamp(make_stamp());  ///< its name among the replicas
};

/// Memory alone: every call is answered at once.
[[nodiscard]] std::unique_ptr<Store> make_memory_store(Shared& shared);
/// With Redis, one or a Cluster; without a memory tier when `shared.memory` has no capacity.
/// Connects as soon as `context` runs. To be used, and destroyed, on the thread that runs
/// `context`, or when none does.
[[nodiscard]] std::unique_ptr<Store> make_redis_store(Shared& shared, asio::io_context& context,
                                                      const config::RedisSettings& settings);
/// As the settings say: with `redis` or without.
[[nodiscard]] std::unique_ptr<Store> make_store(Shared& shared, asio::io_context& context,
                                                const std::optional<config::RedisSettings>& redis);

}  // namespace larder::store
