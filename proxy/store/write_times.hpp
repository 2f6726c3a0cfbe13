// Write times: for how long a write concerns what is stored, beyond the moment it ends.
#pragma once

#include <chrono>

namespace larder::store {

struct WriteTimes {
  /// How long a write's lease lasts that nobody renews, and for how long after a write was given up
  /// nothing that it concerns is stored; zero: no leases are taken, and writes end as they end.
  std::chrono::milliseconds lease{0};
  /// For so long after an eviction nothing is stored of what it evicted; zero: what is read after
  /// it is new.
  std::chrono::milliseconds settle{0};
};

}  // namespace larder::store
