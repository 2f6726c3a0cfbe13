// Redis figures: how full Redis is, and what it does when it is full. For whoever runs Larder;
// nothing is decided by them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/io.hpp"
#include "store/redis_connecting.hpp"
#include "store/state_log.hpp"

namespace larder::store {

/// Of a Cluster: of one of its masters. What Redis does not tell (ACL) is empty or zero.
struct RedisFigures {
  std::uint64_t used = 0;     ///< bytes
  std::uint64_t most = 0;     ///< bytes; zero: no cap
  std::string used_text;      ///< used_memory_human
  std::string most_text;      ///< maxmemory_human
  std::string policy;         ///< maxmemory_policy
  std::uint64_t evicted = 0;  ///< evicted_keys: dropped so far, whosever they were
  std::uint64_t keys = 0;     ///< in the database, whosever they are
  std::uint64_t ours = 0;     ///< of them
  bool is_estimate = false;   ///< `ours` was found in a sample of the keys
};

/// What there is to be mended, for its operator; empty: nothing.
[[nodiscard]] std::string warn_of(const RedisFigures& figures);

/// Asks on a connection of its own, which it gives back, within two seconds. Nothing: no answer.
/// `place` and `log` as a RedisClient has them.
[[nodiscard]] awaitable<std::optional<RedisFigures>> read_redis_figures(asio::io_context& io,
                                                                        RedisPlace place,
                                                                        StateLog& log);

}  // namespace larder::store
