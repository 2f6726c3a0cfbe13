// Memory store: stored responses in this process, bounded in bytes, shared by all threads.
//
// Sharded by key; a hit takes a shared lock, copies one pointer, and writes nothing but the entry's
// visited bit. What goes when room is needed is chosen by SIEVE (Zhang et al., NSDI 2024): a queue
// in the order of arrival and a hand that spares what was visited since it last came by, so that a
// scan pushes out little of what is used. An entry (store/memory_entry) is found only while its
// tags' local stamps are those it was put with, or softened since, and until its lifetime ends.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>

#include "store/coherence.hpp"
#include "store/local_stamps.hpp"
#include "store/memory_entry.hpp"
#include "store/store.hpp"
#include "store/variants.hpp"

namespace larder::store {

class MemoryStore {
 public:
  using Guard = MemoryEntry::Guard;
  using Verified = MemoryEntry::Verified;
  struct Found {
    policy::StoredResponsePointer response;
    Stamps stamps;  ///< as given to put(): Redis's, or empty without Redis
    bool softened = false;
  };

  /// `capacity`: bytes for entries with all their overhead; zero keeps nothing.
  MemoryStore(std::uint64_t capacity, const LocalStamps& local);
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;
  ~MemoryStore();

  [[nodiscard]] std::optional<Found> find(std::string_view key, SteadyClock::time_point now);
  /// Likewise, but only what was verified by this connection, and not softened; else null.
  [[nodiscard]] policy::StoredResponsePointer find_verified(std::string_view key,
                                                            Coherence::Connection by,
                                                            SteadyClock::time_point now);
  /// The response, as find() returned it, was verified again, if it is still there.
  void note_verified(std::string_view key, const policy::StoredResponse* response,
                     Coherence::Connection by);

  /// Keeps a copy. False: it is larger than a quarter of the whole, or there is no memory for it;
  /// then nothing is kept under the key, what was there before neither. `most_variants`: of its
  /// URL, this one included (Resource); the oldest beyond it are given up.
  bool put(std::string_view key, const policy::StoredResponse& response, const Guard& guard,
           const Verified& verified, SteadyClock::time_point expires,
           std::size_t most_variants = 0);

  bool erase(std::string_view key);
  /// Erases the entry only while it holds this response, as find() returned it.
  bool erase(std::string_view key, const policy::StoredResponse* response);
  void clear();

  [[nodiscard]] std::size_t count() const;
  /// How many would be gone if these tags were evicted. Looks at every entry.
  [[nodiscard]] std::size_t count_of(const policy::Tags& tags) const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t capacity() const { return capacity_; }
  /// How many were given up so far, since others needed their room.
  [[nodiscard]] std::uint64_t given_up() const { return given_up_.load(std::memory_order_relaxed); }

 private:
  struct Hashed {
    std::string_view key;
    std::uint64_t hash;
  };
  struct Hash {
    std::size_t operator()(const MemoryEntry& entry) const;
    std::size_t operator()(const Hashed& hashed) const { return hashed.hash; }
  };
  struct Equal {
    bool operator()(const MemoryEntry& a, const MemoryEntry& b) const { return a.key() == b.key(); }
    bool operator()(const Hashed& a, const MemoryEntry& b) const { return a.key == b.key(); }
    bool operator()(const MemoryEntry& a, const Hashed& b) const { return a.key() == b.key; }
  };
  using Entries = boost::intrusive::unordered_set<MemoryEntry, boost::intrusive::hash<Hash>,
                                                  boost::intrusive::equal<Equal>,
                                                  boost::intrusive::power_2_buckets<true>>;
  using Queue = boost::intrusive::list<MemoryEntry, boost::intrusive::constant_time_size<false>>;
  /// What keeps an entry alive that is no more in the store: destroyed after the lock.
  using Gone = std::shared_ptr<const void>;

  struct alignas(64) Shard {
    Shard();
    /// Null: there is none.
    MemoryEntry* find(const Hashed& key);
    /// In the place of `old`, if that is not null, which is taken out.
    void insert(MemoryEntry& entry, MemoryEntry* old);
    void remove(MemoryEntry& entry);
    /// Null: it is empty.
    MemoryEntry* choose_by_sieve();

    mutable std::shared_mutex mutex;
    std::size_t bucket_count;
    std::unique_ptr<Entries::bucket_type[]> buckets;
    Entries entries;
    Queue queue;                         ///< newest first
    Queue::iterator hand = queue.end();  ///< end: begin again with the oldest
  };

  /// Null: it is not to be kept.
  MemoryEntry* make(std::string_view key, const policy::StoredResponse& response,
                    const Guard& guard, const Verified& verified, SteadyClock::time_point expires);
  static Hashed hashed(std::string_view key);
  Shard& shard_of(const Hashed& key) { return shards_[key.hash >> 60]; }
  /// Of an entry, with what it takes of tables.
  static std::uint64_t size_of(const MemoryEntry& entry);
  /// Of an entry that is taken out of its shard.
  [[nodiscard]] Gone forget(MemoryEntry& entry);
  /// Gives up entries until no more than `most` bytes are left.
  void make_room(std::uint64_t most);

  const LocalStamps& local_;
  const std::uint64_t capacity_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> given_up_{0};
  std::atomic<unsigned> next_shard_{0};
  std::array<Shard, 16> shards_;
  Variants variants_;  ///< changed under the lock of a key's shard
};

}  // namespace larder::store
