// Settling: which tags were evicted so lately that what is read now may still be old.
//
// For origins that read from a database replica which lags behind the writes (setting `settle`),
// and for writes that were given up (setting `lease`). Within one process; with Redis a lease that
// outlives its write does the same for all of them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "store/local_stamps.hpp"
#include "store/store.hpp"

namespace larder::store {

class Settling {
 public:
  /// To be called before the tags are evicted: whoever sees their new stamps sees this too.
  void note(const policy::Tags& tags, SteadyClock::time_point until);
  [[nodiscard]] bool is_settling(std::string_view tag, SteadyClock::time_point now) const;

 private:
  /// A fixed table, as that of the local stamps: tags that share a slot settle together.
  using Until = std::array<std::atomic<SteadyClock::rep>, 65'536>;

  const std::unique_ptr<Until> until_ = std::make_unique<Until>();
};

}  // namespace larder::store
