// Pending evictions: what Redis has not acknowledged yet, remembered for the whole process.
//
// While there are any, nothing of Redis may be used by any worker, since what a client has been
// told is gone is still there. Whichever connection works next delivers them first. Bounded: when
// there are too many, all of them together become the eviction of everything.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace larder::store {

class PendingEvictions {
 public:
  static constexpr std::size_t limit = 10'000;

  struct Batch {
    policy::Tags tags;
    std::uint64_t until = 0;  ///< the last eviction this batch knows of
  };

  void add(const policy::Tags& tags);
  [[nodiscard]] bool any() const { return any_.load(); }
  /// How many tags are pending.
  [[nodiscard]] std::size_t size() const;

  /// Some of what is pending, to be delivered; empty when nothing is. It stays pending.
  [[nodiscard]] Batch some() const;
  /// Redis has acknowledged them. A tag that was evicted again meanwhile stays pending.
  void delivered(const Batch& batch);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> tags_;  ///< tag, number of its last eviction
  std::uint64_t evictions_ = 0;
  std::atomic<bool> any_{false};
};

}  // namespace larder::store
