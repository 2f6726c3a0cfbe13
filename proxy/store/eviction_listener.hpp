// Eviction listener: hears of every stamp that changes in Redis, and makes the local stamp of that
// tag another one. One for a process.
//
// One connection does it all. It tracks what changes under the prefix of stamps (CLIENT TRACKING in
// broadcasting mode, redirected to itself, which is how RESP2 has it), and its PING is the
// heartbeat: Redis queues what a command changed before it answers that command, so the answer to a
// PING comes behind the news of every eviction that had been acknowledged when the PING was sent.
// A Redis that does not allow it leaves everything as without: each hit asks. The same connection
// hears of leases, and evicts for those that lapse (store/witness).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>

#include "config/config.hpp"
#include "store/io.hpp"
#include "store/redis_client.hpp"
#include "store/tiered_store.hpp"
#include "store/witness.hpp"

namespace larder::store {

class EvictionListener : public std::enable_shared_from_this<EvictionListener> {
 public:
  /// Connects as soon as `context` runs, again and again until close(), which has to be called,
  /// like everything else, on the thread that runs `context`, or when none does. `shared` outlives
  /// `context`. `store`, one over it, evicts for leases that lapsed, and lives until close().
  /// Without a memory tier, with a heartbeat of zero, and over a cluster, leases are all that is
  /// listened to.
  [[nodiscard]] static std::shared_ptr<EvictionListener> create(
      Shared& shared, asio::io_context& context, Store& store,
      const config::RedisSettings& settings);

  void close();

 private:
  EvictionListener(Shared& shared, asio::io_context& context, Store& store,
                   const config::RedisSettings& settings);

  static awaitable<bool> prepare(std::shared_ptr<EvictionListener> listener);
  static awaitable<void> beat(std::shared_ptr<EvictionListener> listener,
                              Coherence::Connection connection);
  static awaitable<void> evict_lapsed(std::shared_ptr<EvictionListener> listener);
  awaitable<bool> track();
  bool hear(const Pipeline& message);
  void watch_leases();
  void lose();

  Executor executor_;
  Shared& shared_;
  Store* store_;         ///< null once closed
  const bool believes_;  ///< memory, by what is heard
  const std::chrono::milliseconds heartbeat_;
  RedisClient client_;
  std::uint64_t connections_ = 0;  ///< those gone included
  Timer next_beat_;
  Witness witness_;
  Timer next_lapse_;
  std::optional<SteadyClock::time_point> watched_;  ///< what next_lapse_ is set to
};

/// As the settings say: none without Redis.
[[nodiscard]] std::shared_ptr<EvictionListener> make_eviction_listener(
    Shared& shared, asio::io_context& context, Store& store,
    const std::optional<config::RedisSettings>& redis);

}  // namespace larder::store
