#include "policy/key_admission.hpp"

#include <algorithm>

namespace larder::policy {

namespace {

constexpr unsigned count_bits = 24;
constexpr std::uint64_t most_counted = (std::uint64_t{1} << count_bits) - 1;

std::uint16_t window_of(SystemSeconds now) {
  return static_cast<std::uint16_t>(
      std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()) / admission_window);
}

/// Wraps around after seven years.
unsigned windows_between(std::uint16_t earlier, std::uint16_t later) {
  return static_cast<std::uint16_t>(later - earlier);
}

}  // namespace

unsigned RecentKeys::note(std::uint64_t hash, SystemSeconds now) {
  // The upper bits of a product depend on all of the hash, and on the seed.
  const std::uint64_t mixed = hash * seed_;
  std::atomic<std::uint64_t>& slot = slots_[mixed >> 48];
  const std::uint64_t check = mixed & 0xFFFF'FFFF;
  const std::uint16_t window = window_of(now);

  // Two threads at once may lose one count: then the key waits for one more request.
  const std::uint64_t held = slot.load(std::memory_order_relaxed);
  const bool is_known = held != 0 && held >> 32 == check &&
                        windows_between(static_cast<std::uint16_t>(held >> 16), window) <= 1;
  const unsigned misses = is_known ? std::min(static_cast<unsigned>(held & 0xFFFF) + 1, most) : 1U;
  slot.store(check << 32 | std::uint64_t{window} << 16 | misses, std::memory_order_relaxed);
  return misses;
}

QueryVariants::Counts QueryVariants::in_window(std::uint64_t packed, SystemSeconds now) {
  const std::uint16_t window = window_of(now);
  const auto current = static_cast<unsigned>(packed & most_counted);
  const auto before = static_cast<unsigned>(packed >> count_bits & most_counted);
  switch (windows_between(static_cast<std::uint16_t>(packed >> 2 * count_bits), window)) {
    case 0:
      return {window, before, current};
    case 1:
      return {window, current, 0};
    default:
      return {window, 0, 0};
  }
}

void QueryVariants::note_new(SystemSeconds now) {
  std::uint64_t held = packed_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    const Counts counts = in_window(held, now);
    const std::uint64_t current = std::min<std::uint64_t>(counts.current + 1ULL, most_counted);
    next = std::uint64_t{counts.window} << 2 * count_bits |
           std::uint64_t{counts.before} << count_bits | current;
  } while (!packed_.compare_exchange_weak(held, next, std::memory_order_relaxed));
}

unsigned QueryVariants::count(SystemSeconds now) const {
  const Counts counts = in_window(packed_.load(std::memory_order_relaxed), now);
  return std::max(counts.before, counts.current);
}

Detail decide_key_admission(const AdmissionFacts& facts) {
  if (facts.misses < facts.after) return Detail::not_admitted_yet;
  const bool is_beyond = facts.has_query && facts.variants > 0 && facts.asked > facts.variants;
  if (is_beyond && facts.misses < 2) return Detail::too_many_variants;
  return Detail::none;
}

}  // namespace larder::policy
