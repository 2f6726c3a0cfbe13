// Tail: the last decisions, for whoever watches. While nobody does, a request only looks at a flag.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "session/record.hpp"

namespace larder::ops {

/// Thread-safe.
class Tail {
 public:
  static constexpr std::size_t most = 200;
  /// After so long without a question nobody watches any more.
  static constexpr std::chrono::seconds patience{10};

  [[nodiscard]] bool is_watched() const { return is_watched_.load(std::memory_order_relaxed); }
  void note(const session::ExchangeRecord& record) {
    if (is_watched()) keep(record);
  }
  /// What came after number `seen`, as a JSON object: {"last": 7, "decisions": [...]}. Whoever asks
  /// watches from now on.
  [[nodiscard]] std::string read_after(std::uint64_t seen,
                                       std::chrono::steady_clock::time_point now);
  /// To be called every few seconds.
  void look_for_watchers(std::chrono::steady_clock::time_point now);

 private:
  void keep(const session::ExchangeRecord& record);

  std::atomic<bool> is_watched_{false};
  std::mutex mutex_;
  std::chrono::steady_clock::time_point asked_{};
  std::uint64_t last_ = 0;
  std::deque<std::string> decisions_;  ///< JSON objects; the last one is number `last_`
};

}  // namespace larder::ops
