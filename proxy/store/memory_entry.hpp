// Memory entry: one response in the memory tier, with its key, in one allocation.
//
// There may be millions, so what surrounds head and content is kept small: texts lie behind the
// object they belong to, and nothing is there twice. Only large content stays where it is, shared
// with whoever brought it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "store/coherence.hpp"
#include "store/local_stamps.hpp"
#include "store/stamps.hpp"
#include "store/store.hpp"

namespace larder::store {

class MemoryEntry : public boost::intrusive::unordered_set_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::normal_link>>,
                    public boost::intrusive::list_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  /// Local stamps a response was put with. Generations only grow, so their sum tells whether all
  /// are as they were, or softened since (LocalStamps).
  struct Guard {
    boost::container::small_vector<LocalStamps::Slot, 8> slots;
    Stamp sum = 0;

    void add(LocalStamps::Slot slot, Stamp generation);
  };
  /// What a response was found current by.
  struct Verified {
    Stamps stamps{};               ///< Redis's; empty without Redis
    Coherence::Connection by = 0;  ///< that heard of evictions then; zero: none did
  };

  /// A copy of the response, which keeps itself alive until release().
  [[nodiscard]] static MemoryEntry& make(std::string_view key,
                                         const policy::StoredResponse& response, const Guard& guard,
                                         const Verified& verified, SteadyClock::time_point expires);
  MemoryEntry(const MemoryEntry&) = delete;
  MemoryEntry& operator=(const MemoryEntry&) = delete;
  ~MemoryEntry() = default;

  [[nodiscard]] std::string_view key() const {
    return {response_.head.data() - key_size_, key_size_};
  }
  /// Keeps the entry alive, whatever becomes of its place in the store.
  [[nodiscard]] policy::StoredResponsePointer response() const { return {self_, &response_}; }
  [[nodiscard]] bool holds(const policy::StoredResponse* response) const {
    return response == &response_;
  }
  /// Redis's, as given to make().
  [[nodiscard]] Stamps stamps() const;
  [[nodiscard]] Standing standing(const LocalStamps& stamps, SteadyClock::time_point now) const;
  /// Was it put with the stamp of one of these?
  [[nodiscard]] bool has_any(std::span<const LocalStamps::Slot> slots) const;
  /// Bytes of memory that all of it takes.
  [[nodiscard]] std::uint64_t size() const { return std::uint64_t{granules_} * granule; }

  [[nodiscard]] Coherence::Connection verified_by() const {
    return verified_by_.load(std::memory_order_relaxed);
  }
  void note_verified(Coherence::Connection by) {
    verified_by_.store(by, std::memory_order_relaxed);
  }

  /// Only the first visit writes: a line that many threads read stays shared.
  void visit() {
    if (!is_visited()) set_visited(true);
  }
  [[nodiscard]] bool is_visited() const { return visited_.load(std::memory_order_relaxed); }
  void set_visited(bool visited) { visited_.store(visited, std::memory_order_relaxed); }

  /// What keeps it alive; destroyed by the caller, outside of locks.
  [[nodiscard]] std::shared_ptr<const void> release() { return std::move(self_); }

 private:
  friend class MemoryEntryAllocation;
  static constexpr std::uint64_t granule = 16;

  MemoryEntry(const Guard& guard, const Verified& verified, SteadyClock::time_point expires);

  [[nodiscard]] LocalStamps::Slot slot(unsigned index) const;

  std::shared_ptr<MemoryEntry> self_;
  std::atomic<Coherence::Connection> verified_by_;
  SteadyClock::time_point expires_;
  Stamp guard_sum_;
  std::uint32_t granules_ = 0;
  std::uint32_t key_size_ = 0;
  std::uint16_t slot_count_;
  std::uint16_t stamp_count_;
  std::atomic<bool> visited_{false};
  /// Behind it, in this order: the stamps, the guard's slots, the key, the head, and the rest.
  policy::StoredResponse response_;
};

}  // namespace larder::store
