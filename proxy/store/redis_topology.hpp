// Redis topology: what has been learned of a Redis Cluster's nodes, or of Sentinels. Pure.
//
// One for each worker: its partitions learn from each other. Asking is store/redis_connecting's.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "store/io.hpp"
#include "store/pipeline.hpp"

namespace larder::store {

/// Of a key in Redis Cluster: CRC16 (XMODEM) of its hash tag, or of all of it, modulo 16384.
[[nodiscard]] std::uint16_t slot_of(std::string_view key);

/// Slots from `first` to `last`, and the master that serves them.
struct SlotRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  config::Endpoint master;
  bool operator==(const SlotRange&) const = default;
};
struct ClusterSlots {
  std::vector<SlotRange> ranges;
  std::vector<config::Endpoint> nodes;  ///< masters and replicas, each once
};
/// The reply to CLUSTER SLOTS, the only command of `pipeline`. `asked`: who gave it; a node without
/// an address of its own is there. Nothing: it is no such reply.
[[nodiscard]] std::optional<ClusterSlots> read_cluster_slots(const Pipeline& pipeline,
                                                             const config::Endpoint& asked);

class RedisTopology {
 public:
  static constexpr std::size_t node_limit = 256;
  /// Partitions that connect together need not all ask.
  static constexpr std::chrono::milliseconds believed_for{50};

  explicit RedisTopology(std::vector<config::Endpoint> seeds);

  /// Whom to ask, in this order: who answered last is first.
  [[nodiscard]] std::vector<config::Endpoint> to_ask() const;
  void has_answered(const config::Endpoint& node);
  void has_failed(const config::Endpoint& node);

  void learn(ClusterSlots slots, SteadyClock::time_point now);
  /// Has it been learned just now?
  [[nodiscard]] bool is_fresh(SteadyClock::time_point now) const;
  /// Nothing: nobody serves it.
  [[nodiscard]] std::optional<config::Endpoint> master_of(std::uint16_t slot) const;

 private:
  const std::vector<config::Endpoint> seeds_;
  std::deque<config::Endpoint> nodes_;
  std::vector<SlotRange> ranges_;
  std::optional<SteadyClock::time_point> learned_at_;
};

}  // namespace larder::store
