#include "store/memory_store.hpp"

#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "store/xxh3.hpp"

namespace larder::store {

namespace {
constexpr std::size_t first_buckets = 64;
}  // namespace

std::size_t MemoryStore::Hash::operator()(const MemoryEntry& entry) const {
  return xxh3(entry.key());
}

MemoryStore::Hashed MemoryStore::hashed(std::string_view key) {
  return {key, xxh3(key)};
}

MemoryStore::Shard::Shard()
    : bucket_count(first_buckets),
      buckets(std::make_unique<Entries::bucket_type[]>(bucket_count)),
      entries(Entries::bucket_traits(buckets.get(), bucket_count)) {}

MemoryEntry* MemoryStore::Shard::find(const Hashed& key) {
  const Entries::iterator place = entries.find(key, Hash(), Equal());
  return place == entries.end() ? nullptr : &*place;
}

void MemoryStore::Shard::insert(MemoryEntry& entry, MemoryEntry* old) {
  if (entries.size() >= bucket_count) {
    std::unique_ptr<Entries::bucket_type[]> more(new (std::nothrow)
                                                     Entries::bucket_type[2 * bucket_count]);
    // Without them it takes longer to find one, until there is memory again.
    if (more) {
      entries.rehash(Entries::bucket_traits(more.get(), 2 * bucket_count));
      buckets = std::move(more);
      bucket_count *= 2;
    }
  }
  if (old != nullptr) {
    const Queue::iterator place = queue.insert(Queue::s_iterator_to(*old), entry);
    if (hand == Queue::s_iterator_to(*old)) hand = place;
    remove(*old);
  } else {
    queue.push_front(entry);
  }
  entries.insert(entry);
}

void MemoryStore::Shard::remove(MemoryEntry& entry) {
  const Queue::iterator place = Queue::s_iterator_to(entry);
  // The hand goes on towards the newer ones.
  if (hand == place) hand = place == queue.begin() ? queue.end() : std::prev(place);
  queue.erase(place);
  entries.erase(entries.iterator_to(entry));
}

MemoryEntry* MemoryStore::Shard::choose_by_sieve() {
  if (queue.empty()) return nullptr;
  for (;;) {
    if (hand == queue.end()) hand = std::prev(queue.end());
    if (!hand->is_visited()) return &*hand;
    hand->set_visited(false);
    hand = hand == queue.begin() ? queue.end() : std::prev(hand);
  }
}

MemoryStore::MemoryStore(std::uint64_t capacity, const LocalStamps& local)
    : local_(local), capacity_(capacity) {}

MemoryStore::~MemoryStore() {
  clear();
}

std::uint64_t MemoryStore::size_of(const MemoryEntry& entry) {
  // Between one bucket for each entry and two.
  constexpr std::uint64_t buckets = sizeof(void*) * 3 / 2;
  return entry.size() + buckets + Variants::size_of(entry.key());
}

MemoryStore::Gone MemoryStore::forget(MemoryEntry& entry) {
  variants_.forget(entry.key());
  bytes_ -= size_of(entry);
  return entry.release();
}

std::optional<MemoryStore::Found> MemoryStore::find(std::string_view key,
                                                    SteadyClock::time_point now) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  policy::StoredResponsePointer useless;
  {
    const std::shared_lock lock(shard.mutex);
    MemoryEntry* const entry = shard.find(wanted);
    if (entry == nullptr) return {};
    const Standing standing = entry->standing(local_, now);
    if (standing != Standing::evicted) {
      entry->visit();
      return Found{entry->response(), entry->stamps(), standing == Standing::softened};
    }
    useless = entry->response();
  }
  erase(key, useless.get());
  return {};
}

policy::StoredResponsePointer MemoryStore::find_verified(std::string_view key,
                                                         Coherence::Connection by,
                                                         SteadyClock::time_point now) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const std::shared_lock lock(shard.mutex);
  MemoryEntry* const entry = shard.find(wanted);
  if (entry == nullptr || entry->verified_by() != by ||
      entry->standing(local_, now) != Standing::current)
    return {};
  entry->visit();
  return entry->response();
}

void MemoryStore::note_verified(std::string_view key, const policy::StoredResponse* response,
                                Coherence::Connection by) {
  const Hashed wanted = hashed(key);
  Shard& shard = shard_of(wanted);
  const std::shared_lock lock(shard.mutex);
  MemoryEntry* const entry = shard.find(wanted);
  if (entry != nullptr && entry->holds(response)) entry->note_verified(by);
}

MemoryEntry* MemoryStore::make(std::string_view key, const policy::StoredResponse& response,
                               const Guard& guard, const Verified& verified,
                               SteadyClock::time_point expires) {
  if (response.content.size > capacity_ / 4) return nullptr;
  try {
    MemoryEntry& entry = MemoryEntry::make(key, response, guard, verified, expires);
    if (size_of(entry) <= capacity_ / 4) return &entry;
    const Gone unused = entry.release();
  } catch (const std::bad_alloc&) {
    // The process gets no more: what is kept is all there is room for, and less makes some for the
    // next.
    const std::uint64_t bytes = bytes_.load();
    make_room(bytes - bytes / 16);
  }
  return nullptr;
}

bool MemoryStore::put(std::string_view key, const policy::StoredResponse& response,
                      const Guard& guard, const Verified& verified, SteadyClock::time_point expires,
                      std::size_t most_variants) {
  MemoryEntry* const made = make(key, response, guard, verified, expires);
  if (made == nullptr) {
    erase(key);
    return false;
  }
  MemoryEntry& entry = *made;
  const std::uint64_t size = size_of(entry);
  bytes_ += size;
  make_room(capacity_);

  const Hashed wanted = hashed(entry.key());
  Shard& shard = shard_of(wanted);
  Gone replaced;  // freed after the lock
  std::vector<std::string> surplus;
  {
    const std::unique_lock lock(shard.mutex);
    MemoryEntry* const old = shard.find(wanted);
    shard.insert(entry, old);
    if (old != nullptr) {
      entry.set_visited(true);
      replaced = forget(*old);
    }
    surplus = variants_.note(entry.key(), most_variants);
  }
  for (const std::string& oldest : surplus) erase(oldest);
  return true;
}

void MemoryStore::make_room(std::uint64_t most) {
  // One after the other, so that all shards together make one queue, nearly.
  for (unsigned empty = 0; bytes_.load() > most && empty < shards_.size();) {
    Shard& shard = shards_[next_shard_++ % shards_.size()];
    Gone gone;  // freed after the lock
    const std::unique_lock lock(shard.mutex);
    MemoryEntry* const chosen = shard.choose_by_sieve();
    if (chosen != nullptr) {
      shard.remove(*chosen);
      gone = forget(*chosen);
      given_up_.fetch_add(1, std::memory_order_relaxed);
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
  Gone gone;  // freed after the lock
  const std::unique_lock lock(shard.mutex);
  MemoryEntry* const entry = shard.find(wanted);
  if (entry == nullptr || (response != nullptr && !entry->holds(response))) return false;
  shard.remove(*entry);
  gone = forget(*entry);
  return true;
}

void MemoryStore::clear() {
  for (Shard& shard : shards_) {
    std::vector<Gone> gone;  // freed after the lock
    const std::unique_lock lock(shard.mutex);
    gone.reserve(shard.entries.size());
    shard.entries.clear();
    shard.hand = shard.queue.end();
    while (!shard.queue.empty()) {
      MemoryEntry& oldest = shard.queue.back();
      shard.queue.pop_back();
      gone.push_back(forget(oldest));
    }
  }
}

std::size_t MemoryStore::count_of(const policy::Tags& tags) const {
  std::vector<LocalStamps::Slot> evicted;
  for (const std::string& tag : tags) evicted.push_back(LocalStamps::slot_of(tag));
  const SteadyClock::time_point now = SteadyClock::now();
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::shared_lock lock(shard.mutex);
    for (const MemoryEntry& entry : shard.entries)
      if (entry.standing(local_, now) != Standing::evicted && entry.has_any(evicted)) ++count;
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
