// Backoff: how long Redis is left alone after a connection to it was lost. Pure.
//
// Without a connection nothing waits for Redis, so the connection is the breaker, and its greeting
// the probe. Losses are told apart by what they cost. An attempt that fails, or a connection that
// is closed, costs no request any time: tried again within a second, so that a Redis that returns
// is soon used. A reply that is overdue has cost its deadline to all who waited; a Redis that is
// quick to greet and slow at its work would do that after each attempt, so this pause goes on
// doubling until a connection has proved steady.
#pragma once

#include <chrono>

#include "store/io.hpp"

namespace larder::store {

class RedisBackoff {
 public:
  using TimePoint = SteadyClock::time_point;
  using milliseconds = std::chrono::milliseconds;

  static constexpr milliseconds first_pause{50};
  static constexpr milliseconds longest_pause{1'000};
  static constexpr milliseconds longest_costly_pause{16'000};
  /// A connection that was in use for shorter than this did not end a run of failures.
  static constexpr milliseconds lasting_after{1'000};
  /// One that answered in time later than this after its greeting ended a run of overdue replies.
  /// By what it did, not by its age: a connection that nobody asks anything proves nothing.
  static constexpr milliseconds steady_after{10'000};

  enum class Loss : unsigned char { free, overdue };

  /// The connection is in use from now on.
  void ready(TimePoint now);
  /// It answered a command in time.
  void answered(TimePoint now) { answered_ = now; }
  /// It is no more, or the attempt to make one failed.
  void lost(Loss loss, TimePoint now);
  /// Until the next attempt. `chance`, in [0, 1), spreads replicas and workers that lost Redis
  /// together over the second half of it.
  [[nodiscard]] milliseconds pause(double chance) const;

 private:
  bool in_use_ = false;
  TimePoint ready_{};
  TimePoint answered_{};
  unsigned failures_ = 0;  ///< in a row
  unsigned overdue_ = 0;   ///< connections in use that ended so, in a row
  Loss last_ = Loss::free;
};

}  // namespace larder::store
