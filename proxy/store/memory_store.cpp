#include "store/memory_store.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "store/xxh3.hpp"

namespace larder::store {

namespace {

/// What the allocator takes for a block of this size (glibc: 8 bytes before it, multiples of 16).
constexpr std::uint64_t allocated(std::uint64_t size) {
  return std::max<std::uint64_t>(32, (size + 8 + 15) & ~std::uint64_t{15});
}

/// Of a string: its block, when its text does not fit into itself.
std::uint64_t allocated_by(const std::string& text) {
  return text.capacity() > 15 ? allocated(text.capacity() + 1) : 0;
}

std::uint64_t allocated_by(const std::vector<std::string>& texts) {
  std::uint64_t size = texts.empty() ? 0 : allocated(texts.capacity() * sizeof(std::string));
  for (const std::string& text : texts) size += allocated_by(text);
  return size;
}

constexpr std::uint64_t control_block = 16;

}  // namespace

void MemoryStore::Guard::add(LocalStamps::Slot slot, Stamp generation) {
  slots.push_back(slot);
  sum += generation;
}

bool MemoryStore::Guard::is_current(const LocalStamps& stamps) const {
  Stamp now = 0;
  for (const LocalStamps::Slot slot : slots) now += stamps.current(slot);
  return now == sum;
}

std::size_t MemoryStore::Hash::operator()(const std::string& key) const {
  return xxh3(key);
}

MemoryStore::Hashed MemoryStore::hashed(std::string_view key) {
  return {key, xxh3(key)};
}

MemoryStore::Entries::node_type MemoryStore::Shard::extract(Entries::iterator position) {
  Entry& entry = position->second;
  const Queue::iterator place = queue.iterator_to(entry);
  // The hand goes on towards the newer ones.
  if (hand == place) hand = place == queue.begin() ? queue.end() : std::prev(place);
  queue.erase(place);
  return entries.extract(position);
}

MemoryStore::Entries::node_type MemoryStore::Shard::extract_by_sieve() {
  if (queue.empty()) return {};
  for (;;) {
    if (hand == queue.end()) hand = std::prev(queue.end());
    if (!hand->visited.load(std::memory_order_relaxed)) break;
    hand->visited.store(false, std::memory_order_relaxed);
    hand = hand == queue.begin() ? queue.end() : std::prev(hand);
  }
  return extract(entries.find(*hand->key));
}

MemoryStore::MemoryStore(std::uint64_t capacity, const LocalStamps& local)
    : local_(local), capacity_(capacity) {}

std::uint64_t MemoryStore::size_of(std::string_view key, const policy::StoredResponse& response,
                                   const Guard& guard, const Stamps& stamps) {
  constexpr std::uint64_t node = sizeof(Entries::value_type) + 2 * sizeof(void*);
  constexpr std::uint64_t bucket = sizeof(void*);
  std::uint64_t size = allocated(node) + bucket;
  if (key.size() > 15) size += allocated(key.size() + 1);
  if (guard.slots.size() > 8) size += allocated(guard.slots.capacity() * sizeof(LocalStamps::Slot));
  if (!stamps.empty()) size += allocated(stamps.capacity() * sizeof(Stamp));
  size += allocated(sizeof(policy::StoredResponse) + control_block);
  size += allocated_by(response.coded_head) + allocated_by(response.etag) +
          allocated_by(response.last_modified);
  size += allocated_by(response.head) + allocated_by(response.vary) + allocated_by(response.tags);
  size += Variants::size_of(key);
  if (response.content.size != 0) size += allocated(response.content.size + control_block + 8);
  return size;
}

bool MemoryStore::is_usable(const Entry& entry, SteadyClock::time_point now) const {
  return now < entry.expires && entry.guard.is_current(local_);
}

std::optional<MemoryStore::Found> MemoryStore::find(std::string_view key,
                                                    SteadyClock::time_point now) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const policy::StoredResponse* useless = nullptr;
  {
    const std::shared_lock lock(shard.mutex);
    const Entries::iterator position = shard.entries.find(wanted);
    if (position == shard.entries.end()) return {};
    Entry& entry = position->second;
    if (is_usable(entry, now)) {
      entry.visit();
      return Found{entry.response, entry.stamps};
    }
    useless = entry.response.get();
  }
  erase(key, useless);
  return {};
}

policy::StoredResponsePointer MemoryStore::find_verified(std::string_view key,
                                                         Coherence::Connection by,
                                                         SteadyClock::time_point now) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const std::shared_lock lock(shard.mutex);
  const Entries::iterator position = shard.entries.find(wanted);
  if (position == shard.entries.end()) return {};
  Entry& entry = position->second;
  if (entry.verified_by.load(std::memory_order_relaxed) != by || !is_usable(entry, now)) return {};
  entry.visit();
  return entry.response;
}

void MemoryStore::note_verified(std::string_view key, const policy::StoredResponse* response,
                                Coherence::Connection by) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const std::shared_lock lock(shard.mutex);
  const Entries::iterator position = shard.entries.find(wanted);
  if (position != shard.entries.end() && position->second.response.get() == response)
    position->second.verified_by.store(by, std::memory_order_relaxed);
}

bool MemoryStore::put(std::string key, policy::StoredResponsePointer response, Guard guard,
                      Verified verified, SteadyClock::time_point expires,
                      std::size_t most_variants) {
  key.shrink_to_fit();
  const std::uint64_t size = size_of(key, *response, guard, verified.stamps);
  if (size > capacity_ / 4) return false;
  bytes_ += size;
  make_room();

  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  policy::StoredResponsePointer replaced;  // freed after the lock
  std::vector<std::string> surplus;
  {
    const std::unique_lock lock(shard.mutex);
    Entries::iterator position = shard.entries.find(wanted);
    if (position == shard.entries.end()) {
      position = shard.entries.try_emplace(std::move(key)).first;
      position->second.key = &position->first;
      shard.queue.push_front(position->second);
    } else {
      bytes_ -= position->second.size;
      position->second.visited.store(true, std::memory_order_relaxed);
    }
    Entry& entry = position->second;
    replaced = std::exchange(entry.response, std::move(response));
    entry.stamps = std::move(verified.stamps);
    entry.verified_by.store(verified.by, std::memory_order_relaxed);
    entry.guard = std::move(guard);
    entry.expires = expires;
    entry.size = size;
    surplus = variants_.note(*entry.key, most_variants);
  }
  for (const std::string& oldest : surplus) erase(oldest);
  return true;
}

void MemoryStore::make_room() {
  // One after the other, so that all shards together make one queue, nearly.
  for (unsigned empty = 0; bytes_.load() > capacity_ && empty < shards_.size();) {
    Shard& shard = shards_[next_shard_++ % shards_.size()];
    Entries::node_type gone;  // freed after the lock
    const std::unique_lock lock(shard.mutex);
    gone = shard.extract_by_sieve();
    if (gone) {
      variants_.forget(gone.key());
      bytes_ -= gone.mapped().size;
      empty = 0;
    } else {
      ++empty;
    }
  }
}

bool MemoryStore::erase(std::string_view key) {
  return erase(key, nullptr);
}

bool MemoryStore::erase(std::string_view key, const policy::StoredResponse* response) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  Entries::node_type gone;  // freed after the lock
  const std::unique_lock lock(shard.mutex);
  const Entries::iterator position = shard.entries.find(wanted);
  if (position == shard.entries.end()) return false;
  if (response != nullptr && position->second.response.get() != response) return false;
  gone = shard.extract(position);
  variants_.forget(gone.key());
  bytes_ -= gone.mapped().size;
  return true;
}

void MemoryStore::clear() {
  for (Shard& shard : shards_) {
    Entries gone;  // freed after the lock
    const std::unique_lock lock(shard.mutex);
    shard.queue.clear();
    shard.hand = shard.queue.end();
    gone.swap(shard.entries);
    for (const auto& [key, entry] : gone) {
      variants_.forget(key);
      bytes_ -= entry.size;
    }
  }
}

std::size_t MemoryStore::count_of(const policy::Tags& tags) const {
  std::vector<LocalStamps::Slot> evicted;
  for (const std::string& tag : tags) evicted.push_back(LocalStamps::slot_of(tag));
  const auto is_evicted = [&evicted](LocalStamps::Slot slot) {
    return std::find(evicted.begin(), evicted.end(), slot) != evicted.end();
  };
  const SteadyClock::time_point now = SteadyClock::now();
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::shared_lock lock(shard.mutex);
    for (const auto& [key, entry] : shard.entries)
      count += is_usable(entry, now) &&
                       std::any_of(entry.guard.slots.begin(), entry.guard.slots.end(), is_evicted)
                   ? 1
                   : 0;
  }
  return count;
}

std::size_t MemoryStore::count() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::shared_lock lock(shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

}  // namespace larder::store
