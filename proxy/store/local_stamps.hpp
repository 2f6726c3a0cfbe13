// Local stamps: the current stamp of each tag within this process; the stamp source without Redis.
//
// A fixed table, so that no number of tags costs memory: tags that share a slot are evicted
// together, which is too much and never too little. All threads use one table. A tag's slot follows
// from its name in Redis, so that those who are told of a name alone find it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "store/store.hpp"

namespace larder::store {

class LocalStamps {
 public:
  using Slot = std::uint16_t;

  LocalStamps();

  /// Of sums of generations: what evictions change.
  static constexpr unsigned hard_bits = 48;
  /// Have sums that differ the same lower bits?
  [[nodiscard]] static bool differ_softly(Stamp one, Stamp other) {
    return ((one - other) & ((Stamp{1} << hard_bits) - 1)) == 0;
  }

  [[nodiscard]] static Slot slot_of(std::string_view tag);

  [[nodiscard]] Stamp current(Slot slot) const {
    return generations_[slot].load(std::memory_order_seq_cst);
  }
  [[nodiscard]] Stamps current(const policy::Tags& tags) const;
  [[nodiscard]] Stamps current(const policy::TagText& tags) const;

  void evict(std::string_view tag) { generations_[slot_of(tag)].fetch_add(1); }
  void evict(const policy::Tags& tags);
  /// Makes what was put with them stale but usable (Standing::softened).
  void soften(const policy::Tags& tags);
  /// By the tag's name in Redis (redis_names, name_of).
  void evict_name(std::string_view name);

 private:
  // The lower 48 bits start at a random value and only grow, by one for each eviction; above them
  // soft purges are counted. So a sum of some of them has the same lower bits again only while none
  // of them has been evicted, and is the same again only while none has changed at all, but for
  // multiples of 65,536 soft purges (see MemoryStore::Guard).
  std::array<std::atomic<Stamp>, 65'536> generations_;
};

}  // namespace larder::store
