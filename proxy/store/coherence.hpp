// Coherence: by which connection to Redis this process hears of evictions, and until when memory
// may be believed for it without asking Redis.
//
// A connection hears of every change of a stamp from the moment it begins. What was verified before
// that may have been evicted unheard; so a response in memory says by which connection it was
// verified, and is believed for no other one. Written on one thread (store/eviction_listener), read
// on all.
#pragma once

#include <atomic>
#include <cstdint>

#include "store/io.hpp"

namespace larder::store {

class Coherence {
 public:
  /// Of this process: another number each time. Zero: none.
  using Connection = std::uint64_t;

  /// The connection that hears of evictions now. To be read before the stamps that a response is
  /// verified by.
  [[nodiscard]] Connection listening() const { return connection_.load(); }
  /// The same, if what was verified by it may be believed now; else zero.
  [[nodiscard]] Connection trusted(SteadyClock::time_point now) const {
    // In this order: a connection that took another's place meanwhile is not covered by its trust,
    // nor need it be, since nothing verified by the other one fits it.
    return now.time_since_epoch().count() < until_.load() ? connection_.load() : Connection{0};
  }

  /// Is it that run of Redis which tells? During a failover one connection may have found the new
  /// master while another one still has the old: that tells nothing of what the new one is told.
  /// Zero: not known. To be asked after listening() or trusted().
  [[nodiscard]] bool hears_of(std::uint64_t run) const {
    const std::uint64_t heard = run_.load();
    return heard == run || heard == 0 || run == 0;
  }

  /// From now on a new connection hears of every change. Not trusted yet. `run`: see hears_of().
  Connection begin(std::uint64_t run = 0) {
    lose();
    run_ = run;
    connection_ = ++last_;
    return last_;
  }
  /// What this connection had to tell until `asked` has been heard; `heartbeat` later that is too
  /// long ago.
  void believe(Connection connection, SteadyClock::time_point asked,
               SteadyClock::duration heartbeat) {
    if (connection == connection_.load()) until_ = (asked + heartbeat).time_since_epoch().count();
  }
  /// The connection is gone.
  void lose() {
    until_ = nobody;
    connection_ = 0;
  }

 private:
  static constexpr SteadyClock::rep nobody =
      SteadyClock::time_point::min().time_since_epoch().count();

  std::atomic<SteadyClock::rep> until_{nobody};
  std::atomic<Connection> connection_{0};
  std::atomic<std::uint64_t> run_{0};
  Connection last_ = 0;  ///< of the writing thread
};

}  // namespace larder::store
