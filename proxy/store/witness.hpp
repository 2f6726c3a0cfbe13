// Witness: remembers which leases writes hold, as it hears of them, and says which were not ended
// in time.
//
// A lease that lapses counts as an eviction, which its key in Redis takes care of by expiring. But
// Redis may drop that key before, and somebody make a stamp that knows nothing of the lease: should
// the write's process be killed then, only those who have heard of the lease can evict for it. By
// this process's own clock, from when a message came, so never too early. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/tags.hpp"
#include "store/io.hpp"
#include "store/lease_message.hpp"

namespace larder::store {

class Witness {
 public:
  /// Of keys under lease. Beyond it all that is remembered becomes one lease on everything.
  static constexpr std::size_t limit = 10'000;

  void hear(const LeaseMessage& message, SteadyClock::time_point now);
  /// When the next lease lapses that is remembered; nothing when none is.
  [[nodiscard]] std::optional<SteadyClock::time_point> next() const;
  /// What has lapsed by now, as tags to be evicted. Told once.
  [[nodiscard]] policy::Tags take_lapsed(SteadyClock::time_point now);

 private:
  using Ends = std::multimap<SteadyClock::time_point, std::string>;  ///< and their holders
  struct Lease {
    Ends::iterator end;
    std::vector<std::string> keys;
  };

  void forget(const std::string& holder);
  void remember_as_everything(SteadyClock::time_point end);

  std::unordered_map<std::string, Lease> leases_;  ///< by holder
  Ends ends_;
  std::size_t keys_ = 0;
};

}  // namespace larder::store
