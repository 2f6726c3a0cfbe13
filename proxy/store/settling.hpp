// Settling: which tags were evicted so lately that what is read now may still be old.
//
// For origins that read from a database replica which lags behind the writes (setting `settle`).
// Within one process; with Redis a lease that outlives its write does the same for all of them.
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
  /// `time`: after an eviction; zero: there is no such time, and nothing is remembered.
  explicit Settling(std::chrono::milliseconds time)
      : time_(time), until_(time.count() > 0 ? std::make_unique<Until>() : nullptr) {}

  [[nodiscard]] std::chrono::milliseconds time() const { return time_; }

  /// To be called before the tags are evicted: whoever sees their new stamps sees this too.
  void note(const policy::Tags& tags, SteadyClock::time_point now);
  [[nodiscard]] bool is_settling(std::string_view tag, SteadyClock::time_point now) const;

 private:
  /// A fixed table, as that of the local stamps: tags that share a slot settle together.
  using Until = std::array<std::atomic<SteadyClock::rep>, 65'536>;

  const std::chrono::milliseconds time_;
  const std::unique_ptr<Until> until_;
};

}  // namespace larder::store
