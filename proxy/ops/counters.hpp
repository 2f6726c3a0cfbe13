// Counters: what has happened since the start, added up from records.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "session/admission.hpp"
#include "session/backends.hpp"
#include "session/record.hpp"

namespace larder::ops {

/// What there is to know of Redis now, and what it has failed at so far.
struct RedisStatus {
  bool is_usable = false;             ///< by every thread
  std::size_t pending_evictions = 0;  ///< tags whose eviction it has not acknowledged yet
  std::uint64_t failures = 0;         ///< lookups and stores that it refused or did not answer
};

class Counters {
 public:
  void add(const session::ExchangeRecord& record);
  /// A JSON object, as /stats answers it. `redis`: nothing when none is configured.
  [[nodiscard]] std::string format_json(const std::vector<session::Backends::Status>& backends,
                                        const session::Admission::Status& origin,
                                        const std::optional<RedisStatus>& redis) const;

 private:
  struct Count {
    std::atomic<std::uint64_t> value{0};
    void add(std::uint64_t more) { value.fetch_add(more, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const { return value.load(std::memory_order_relaxed); }
  };

  Count requests_;
  std::array<Count, 5> by_result_;  ///< indexed by CacheResult
  Count memory_hits_;
  Count redis_hits_;
  Count collapsed_;
  Count stored_;
  Count evictions_;
  Count deferred_evictions_;
  Count origin_failures_;
  Count cut_off_;
  Count content_bytes_;
};

}  // namespace larder::ops
