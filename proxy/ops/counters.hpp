// Counters: what has happened since the start, added up from records.
//
// Each thread counts in a block of its own, which nobody else writes, so that counting takes no
// lock, no atomic read-modify-write and no cache line that another thread wants; whoever reads adds
// the blocks up. Rules are told apart by name, in slots that a name keeps for as long as the
// process lives: totals outlast a reload.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ops/histogram.hpp"
#include "policy/route.hpp"
#include "session/record.hpp"

namespace larder::ops {

inline constexpr std::size_t cache_results = 5;    ///< of policy::CacheResult
inline constexpr std::size_t fill_ends = 5;        ///< of session::FillEnd
inline constexpr std::size_t fetch_failures = 21;  ///< of session::FetchFailure
inline constexpr std::size_t details = 64;         ///< at least those of policy::Detail
inline constexpr std::size_t status_classes = 6;   ///< by hundreds; 0: no answer was sent
inline constexpr std::size_t store_tiers = 3;      ///< of store::Tier
inline constexpr std::size_t findings = 4;         ///< of policy::VerifiedHit::Finding

/// What asked for an eviction.
enum class EvictionCause : std::uint8_t { write, purge, verification };
inline constexpr std::size_t eviction_causes = 3;

/// Requests of one rule that had one result.
struct OutcomeTotals {
  std::uint64_t requests = 0;
  std::array<std::uint64_t, LatencyBuckets::count> took{};  ///< requests, by how long they took
  std::chrono::nanoseconds took_together{0};
  std::uint64_t content_bytes = 0;  ///< sent to clients
};

struct RuleTotals {
  /// "(none)" is what no rule matched, "(other)" all rules beyond Counters::most_rules.
  std::string name;
  bool is_rule = false;   ///< of that very name; false: one of those two
  bool in_force = false;  ///< false: it has gone in a reload
  std::array<OutcomeTotals, cache_results> outcomes{};  ///< by policy::CacheResult
  std::uint64_t collapsed = 0;                          ///< requests that waited for another's fill
  std::array<std::uint64_t, fill_ends> fills{};         ///< by session::FillEnd
  std::array<std::uint64_t, findings> verified{};       ///< by policy::VerifiedHit::Finding
  std::uint64_t set_cookies = 0;  ///< fills not stored since their answer had a Set-Cookie
  /// The origin took this long for the fills that were stored.
  std::chrono::nanoseconds origin_time{0};

  [[nodiscard]] std::uint64_t requests() const;
  /// Answered from what was stored: fresh or stale.
  [[nodiscard]] std::uint64_t hits() const;
  [[nodiscard]] std::uint64_t content_bytes_saved() const;
  /// What the origin would have taken for the hits: as long for each as, on average, for a fill of
  /// this rule that this process stored. Nothing while it has stored none.
  [[nodiscard]] std::chrono::nanoseconds origin_time_saved() const;
};

struct Totals {
  std::vector<RuleTotals> rules;  ///< no rule first; then by their first appearance; the rest last
  std::array<std::uint64_t, status_classes> statuses{};
  std::array<std::uint64_t, store_tiers> tiers{};        ///< hits, by store::Tier
  std::array<std::uint64_t, fetch_failures> failures{};  ///< requests, by session::FetchFailure
  std::array<std::uint64_t, details> not_stored{};       ///< fills, by policy::Detail
  std::array<std::uint64_t, eviction_causes> evictions{};
  std::uint64_t evicted_tags = 0;
  std::uint64_t deferred_evictions = 0;
  std::uint64_t cut_off = 0;  ///< requests whose client did not get all of the answer

  [[nodiscard]] std::uint64_t requests() const;
};

namespace counting {

/// Written by one thread, read by any.
class Cell {
 public:
  void add(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) OfOutcome {
  std::array<Cell, LatencyBuckets::count> took;
  Cell took_together;
  Cell content_bytes;
};

struct alignas(64) OfRule {
  std::array<OfOutcome, cache_results> outcomes;
  Cell collapsed;
  std::array<Cell, fill_ends> fills;
  std::array<Cell, findings> verified;
  Cell set_cookies;
  Cell origin_time;
};

}  // namespace counting

class Counters {
 public:
  static constexpr std::size_t most_rules = 200;

  /// What one thread counts in. Used by that thread alone.
  class alignas(64) Block {
   public:
    void add(const session::ExchangeRecord& record);
    void add(const session::FillRecord& record);
    void add(const session::VerificationRecord& record);
    void add_eviction(EvictionCause cause, std::size_t tags, bool deferred);

   private:
    friend class Counters;
    using Cell = counting::Cell;
    /// By slot; null until Counters::slots_of has given that slot away.
    std::array<std::atomic<counting::OfRule*>, most_rules + 2> rules_{};
    std::array<Cell, status_classes> statuses_;
    std::array<Cell, store_tiers> tiers_;
    std::array<Cell, fetch_failures> failures_;
    std::array<Cell, details> not_stored_;
    std::array<Cell, eviction_causes> evictions_;
    Cell evicted_tags_;
    Cell deferred_evictions_;
    Cell cut_off_;
    std::vector<std::unique_ptr<counting::OfRule>> owned_;  ///< under Counters::mutex_
  };

  explicit Counters(std::size_t threads);
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  [[nodiscard]] Block& block(std::size_t thread) { return *blocks_[thread]; }

  /// The slots of these rules, in their order: to be asked for before they come into force, from
  /// any thread. The rules given last are those in force.
  [[nodiscard]] std::vector<session::RuleSlot> slots_of(const policy::Routes& routes);

  /// From any thread. What is being counted meanwhile may be in some sums and not yet in others.
  [[nodiscard]] Totals read() const;

 private:
  void make_room(session::RuleSlot slot);

  mutable std::mutex mutex_;  ///< of what is below; the counts themselves need none
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::string> names_;  ///< by slot, from session::first_rule_slot on
  std::vector<bool> in_force_;      ///< likewise
};

}  // namespace larder::ops
