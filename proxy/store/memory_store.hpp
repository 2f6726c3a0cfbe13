// Memory store: stored responses in this process, bounded in bytes, shared by all threads.
//
// Sharded by key; a hit takes a shared lock, copies one pointer, and writes nothing but the entry's
// visited bit. What goes when room is needed is chosen by SIEVE (Zhang et al., NSDI 2024): a queue
// in the order of arrival and a hand that spares what was visited since it last came by, so that a
// scan pushes out little of what is used. An entry is found only while its tags' local stamps are
// those it was put with, and until its lifetime ends.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>

#include "store/coherence.hpp"
#include "store/local_stamps.hpp"
#include "store/store.hpp"
#include "store/variants.hpp"

namespace larder::store {

class MemoryStore {
 public:
  /// Local stamps a response was put with. Generations only grow, so their sum tells whether all
  /// are as they were.
  struct Guard {
    boost::container::small_vector<LocalStamps::Slot, 8> slots;
    Stamp sum = 0;

    void add(LocalStamps::Slot slot, Stamp generation);
    [[nodiscard]] bool is_current(const LocalStamps& stamps) const;
  };

  struct Found {
    policy::StoredResponsePointer response;
    Stamps stamps;  ///< as given to put(): Redis's, or empty without Redis
  };
  /// What a response was found current by.
  struct Verified {
    Stamps stamps{};               ///< Redis's; empty without Redis
    Coherence::Connection by = 0;  ///< that heard of evictions then; zero: none did
  };

  /// `capacity`: bytes for entries with all their overhead; zero keeps nothing.
  MemoryStore(std::uint64_t capacity, const LocalStamps& local);

  [[nodiscard]] std::optional<Found> find(std::string_view key, SteadyClock::time_point now);
  /// Likewise, but only what was verified by this connection; else null.
  [[nodiscard]] policy::StoredResponsePointer find_verified(std::string_view key,
                                                            Coherence::Connection by,
                                                            SteadyClock::time_point now);
  /// The response, if it is still there, was verified again.
  void note_verified(std::string_view key, const policy::StoredResponse* response,
                     Coherence::Connection by);

  /// False: larger than a quarter of the whole, and not kept. `most_variants`: of its URL, this one
  /// included (Resource); the oldest beyond it are given up.
  bool put(std::string key, policy::StoredResponsePointer response, Guard guard, Verified verified,
           SteadyClock::time_point expires, std::size_t most_variants = 0);

  bool erase(std::string_view key);
  /// Erases the entry only while it holds this response.
  bool erase(std::string_view key, const policy::StoredResponse* response);
  void clear();

  [[nodiscard]] std::size_t count() const;
  /// How many would be gone if these tags were evicted. Looks at every entry.
  [[nodiscard]] std::size_t count_of(const policy::Tags& tags) const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t capacity() const { return capacity_; }

 private:
  struct Entry : boost::intrusive::list_base_hook<> {
    const std::string* key = nullptr;  ///< in the map's node
    policy::StoredResponsePointer response;
    Stamps stamps;
    Guard guard;
    SteadyClock::time_point expires;
    std::uint64_t size = 0;
    std::atomic<Coherence::Connection> verified_by{0};
    std::atomic<bool> visited{false};

    /// Only the first visit writes: a line that many threads read stays shared.
    void visit() {
      if (!visited.load(std::memory_order_relaxed)) visited.store(true, std::memory_order_relaxed);
    }
  };
  struct Hashed {
    std::string_view key;
    std::uint64_t hash;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Hashed& hashed) const { return hashed.hash; }
    std::size_t operator()(const std::string& key) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const { return a == b; }
    bool operator()(const Hashed& a, const std::string& b) const { return a.key == b; }
    bool operator()(const std::string& a, const Hashed& b) const { return a == b.key; }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, Equal>;
  using Queue = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;

  struct alignas(64) Shard {
    mutable std::shared_mutex mutex;
    Entries entries;
    Queue queue;                         ///< newest first
    Queue::iterator hand = queue.end();  ///< end: begin again with the oldest

    Entries::node_type extract(Entries::iterator position);
    Entries::node_type extract_by_sieve();
  };

  static std::uint64_t size_of(std::string_view key, const policy::StoredResponse& response,
                               const Guard& guard, const Stamps& stamps);
  static Hashed hashed(std::string_view key);
  Shard& shard_of(const Hashed& key) { return shards_[key.hash >> 60]; }
  bool is_usable(const Entry& entry, SteadyClock::time_point now) const;
  void make_room();

  const LocalStamps& local_;
  const std::uint64_t capacity_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<unsigned> next_shard_{0};
  std::array<Shard, 16> shards_;
  Variants variants_;  ///< changed under the lock of a key's shard
};

}  // namespace larder::store
