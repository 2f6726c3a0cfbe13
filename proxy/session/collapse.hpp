// Collapse: simultaneous misses of one key ask the origin once (RFC 9111 4, "collapsed requests").
//
// Process-wide. A request joins a fill only if nothing the answer depends on was evicted since that
// fill read its stamps; otherwise it starts one of its own, which takes the place of the old one.
// So nobody who asks after a write was answered gets what was read before it. And one that was sent
// after an answer came shares it only if the store might give it that answer too.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "session/fill.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

class Collapse {
 public:
  struct Joined {
    std::shared_ptr<Fill> fill;
    bool leads = false;  ///< the caller has to run it, and to end it with leave()
  };

  struct Asker {
    /// The current ones of the resource's tags in the store, empty when it cannot say: then those
    /// of this process, `local`, count instead (else they may be left out), and a fill from before
    /// `now` - `blind_trust` is not joined.
    store::Stamps stamps{};
    store::Stamps local{};
    SteadyClock::time_point asked{};  ///< when its request came
    SteadyClock::time_point now{};
    bool alone = false;  ///< wants an answer of its own, however fresh another's is
  };
  [[nodiscard]] Joined join(const std::string& key, Asker asker);
  /// The fill has ended; it is joined no more.
  void leave(const std::string& key, const std::shared_ptr<Fill>& fill);

  /// What is known of a key.
  struct Standing {
    std::shared_ptr<Fill> fill;  ///< in flight; null: none. Another thread may have ended it by now
    std::uint64_t departures = 0;  ///< as departures() says
  };
  [[nodiscard]] Standing standing(const std::string& key);
  /// How many fills are in flight.
  [[nodiscard]] std::size_t size() const;

  /// How many fills with this key, or with one of its shard, have ended. Whoever looked into the
  /// store before this number changed may have looked too early.
  [[nodiscard]] std::uint64_t departures(const std::string& key) const {
    return shard_of(key).departures.load(std::memory_order_acquire);
  }

  static constexpr std::chrono::seconds blind_trust{1};

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<Fill>> fills;
    std::atomic<std::size_t> size{0};  ///< of `fills`, for those who do not want to lock
    std::atomic<std::uint64_t> departures{0};
  };
  [[nodiscard]] const Shard& shard_of(const std::string& key) const {
    return shards_[store::xxh3(key) % shards_.size()];
  }
  [[nodiscard]] Shard& shard_of(const std::string& key) {
    return shards_[store::xxh3(key) % shards_.size()];
  }

  std::array<Shard, 32> shards_;
};

}  // namespace larder::session
