#include "store/memory_entry.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "policy/shared_lines.hpp"
#include "store/entry_heap.hpp"
#include "store/with_room.hpp"

namespace larder::store {

namespace {

/// What the allocator takes for content that lies apart: its count of owners, a word of the
/// allocator's own, and from some size on whole pages.
std::uint64_t taken_by_shared(std::size_t size) {
  constexpr std::uint64_t around = 32;
  constexpr std::uint64_t page = 4096;
  constexpr std::uint64_t mapped_from = 128 * 1024;
  const std::uint64_t step = size < mapped_from ? 16 : page;
  return (size + around + step - 1) / step * step;
}

}  // namespace

/// The entry's own constructor is for make() alone.
class MemoryEntryAllocation : public MemoryEntry {
 public:
  MemoryEntryAllocation(const Guard& guard, const Verified& verified,
                        SteadyClock::time_point expires)
      : MemoryEntry(guard, verified, expires) {}
};

void MemoryEntry::Guard::add(LocalStamps::Slot slot, Stamp generation) {
  slots.push_back(slot);
  sum += generation;
}

MemoryEntry::MemoryEntry(const Guard& guard, const Verified& verified,
                         SteadyClock::time_point expires)
    : verified_by_(verified.by),
      expires_(expires),
      guard_sum_(guard.sum),
      slot_count_(static_cast<std::uint16_t>(guard.slots.size())),
      stamp_count_(static_cast<std::uint16_t>(verified.stamps.size())) {}

MemoryEntry& MemoryEntry::make(std::string_view key, const policy::StoredResponse& response,
                               const Guard& guard, const Verified& verified,
                               SteadyClock::time_point expires) {
  const policy::SharedLines lines = policy::share_lines(response.head, response.coded_head);
  const std::size_t stamps_size = verified.stamps.size() * sizeof(Stamp);
  const std::size_t slots_size = guard.slots.size() * sizeof(LocalStamps::Slot);
  // Validators are lines of the head as well.
  const auto is_in_head = [&response](std::string_view name, std::string_view value) {
    return !value.empty() && response.field(name) == value;
  };
  const bool has_etag = is_in_head("ETag", response.etag);
  const bool has_date = is_in_head("Last-Modified", response.last_modified);
  const bool is_within = response.content.size <= largest_within;

  Room room;
  room.size =
      stamps_size + slots_size + key.size() + lines.text.size() + response.vary.joined().size() +
      response.tags.joined().size() + (has_etag ? 0 : response.etag.size()) +
      (has_date ? 0 : response.last_modified.size()) + (is_within ? response.content.size : 0);
  const auto made = std::allocate_shared<MemoryEntryAllocation>(
      WithRoom<MemoryEntryAllocation, EntryHeap>(room), guard, verified, expires);
  MemoryEntry& entry = *made;
  room.put(verified.stamps.data(), stamps_size);
  room.put(guard.slots.data(), slots_size);
  room.put(key);
  entry.key_size_ = static_cast<std::uint32_t>(key.size());

  using policy::Text;
  policy::StoredResponse& kept = entry.response_;
  const std::string_view heads = room.put(lines.text);
  kept.status = response.status;
  kept.has_own_etag = response.has_own_etag;
  kept.head = Text::within(heads.substr(0, lines.decoded_size));
  if (!response.coded_head.empty()) kept.coded_head = Text::within(heads.substr(lines.coded_begin));
  kept.etag = Text::within(has_etag ? kept.field("ETag") : room.put(response.etag));
  kept.last_modified =
      Text::within(has_date ? kept.field("Last-Modified") : room.put(response.last_modified));
  kept.vary = policy::Texts::within(room.put(response.vary.joined()));
  kept.tags = policy::Texts::within(room.put(response.tags.joined()));
  kept.response_time = response.response_time;
  kept.initial_age = response.initial_age;
  kept.lifetime = response.lifetime;
  kept.terms = response.terms;
  kept.decoded_size = response.decoded_size;
  kept.content =
      is_within ? policy::SharedBytes::lend(room.put(response.content.view())) : response.content;

  std::uint64_t taken = EntryHeap::taken_by(room.block);
  if (!is_within) taken += taken_by_shared(response.content.size);
  entry.granules_ = static_cast<std::uint32_t>((taken + granule - 1) / granule);
  entry.self_ = made;
  return entry;
}

Stamps MemoryEntry::stamps() const {
  Stamps stamps(stamp_count_);
  const std::size_t slots_size = slot_count_ * sizeof(LocalStamps::Slot);
  const std::size_t size = stamps.size() * sizeof(Stamp);
  if (size != 0) std::memcpy(stamps.data(), key().data() - slots_size - size, size);
  return stamps;
}

LocalStamps::Slot MemoryEntry::slot(unsigned index) const {
  LocalStamps::Slot slot = 0;
  std::memcpy(&slot, key().data() - (slot_count_ - index) * sizeof slot, sizeof slot);
  return slot;
}

Standing MemoryEntry::standing(const LocalStamps& stamps, SteadyClock::time_point now) const {
  if (now >= expires_) return Standing::evicted;
  Stamp sum = 0;
  for (unsigned i = 0; i < slot_count_; ++i) sum += stamps.current(slot(i));
  if (sum == guard_sum_) return Standing::current;
  return LocalStamps::differ_softly(sum, guard_sum_) ? Standing::softened : Standing::evicted;
}

bool MemoryEntry::has_any(std::span<const LocalStamps::Slot> slots) const {
  for (unsigned i = 0; i < slot_count_; ++i)
    if (std::find(slots.begin(), slots.end(), slot(i)) != slots.end()) return true;
  return false;
}

}  // namespace larder::store
