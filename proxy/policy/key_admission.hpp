// Key admission: is a key asked for often enough to be filled for? Rule keys `after`, `variants`.
//
// What is filled takes room from what is hot, so random query parameters must not be. Two bounded
// memories, lock-free, of the process: of keys that missed lately, and of how many query variants
// of a rule did. Both forget: a key that another one has displaced, or that was last asked for an
// hour or two ago, is new again, which costs one request to the origin for each that `after` asks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/cache_status.hpp"
#include "policy/stored_response.hpp"

namespace larder::policy {

inline constexpr std::chrono::hours admission_window{1};

/// How often each of the last keys missed.
class RecentKeys {
 public:
  static constexpr std::size_t size = 65'536;  ///< keys; 8 bytes each

  /// `seed` decides which keys displace one another: random, so that nobody can choose them.
  explicit RecentKeys(std::uint64_t seed)
      : seed_(seed | 1), slots_(std::make_unique<std::atomic<std::uint64_t>[]>(size)) {}

  /// Notes a miss of the key with this hash. How many are remembered of it, this one included; no
  /// more than `most`.
  unsigned note(std::uint64_t hash, SystemSeconds now);
  static constexpr unsigned most = 255;

 private:
  const std::uint64_t seed_;
  /// Each: 32 bits of the hash, 16 of the window it was last asked for in, 16 of the count.
  std::unique_ptr<std::atomic<std::uint64_t>[]> slots_;
};

/// How many different query variants of one rule missed, in this window or in the one before.
class QueryVariants {
 public:
  /// Notes one that RecentKeys did not know.
  void note_new(SystemSeconds now);
  [[nodiscard]] unsigned count(SystemSeconds now) const;

 private:
  struct Counts {
    std::uint16_t window = 0;
    unsigned before = 0;
    unsigned current = 0;
  };
  [[nodiscard]] static Counts in_window(std::uint64_t packed, SystemSeconds now);

  /// 16 bits of the window, 24 of the count before it, 24 of its own.
  std::atomic<std::uint64_t> packed_{0};
};

struct AdmissionFacts {
  unsigned after = 1;      ///< of the rule: a key is filled for from this miss on
  unsigned variants = 0;   ///< of the rule; 0: no cap
  bool has_query = false;  ///< does what is filled depend on a query?
  unsigned misses = 1;     ///< of this key, this one included
  unsigned asked = 0;      ///< query variants of the rule, this one included
};
/// `none`: it may be filled for. Beyond the cap a query variant has to be asked for twice.
[[nodiscard]] Detail decide_key_admission(const AdmissionFacts& facts);

}  // namespace larder::policy
