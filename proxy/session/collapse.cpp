#include "session/collapse.hpp"

#include <utility>

namespace larder::session {

Collapse::Joined Collapse::join(const std::string& key, Asker asker) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  std::shared_ptr<Fill>& present = shard.fills[key];
  if (present && !asker.alone && present->is_joinable(asker.asked)) {
    const bool is_same = present->stamps() == asker.stamps;
    const bool is_known = !asker.stamps.empty() || (present->local() == asker.local &&
                                                    asker.now - present->begun() <= blind_trust);
    if (is_same && is_known) return {present, false};
  }
  present = std::make_shared<Fill>(std::move(asker.stamps), std::move(asker.local), asker.now);
  shard.size.store(shard.fills.size(), std::memory_order_release);
  return {present, true};
}

void Collapse::leave(const std::string& key, const std::shared_ptr<Fill>& fill) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  if (found != shard.fills.end() && found->second == fill) shard.fills.erase(found);
  shard.size.store(shard.fills.size(), std::memory_order_release);
  shard.departures.fetch_add(1, std::memory_order_release);
}

Collapse::Standing Collapse::standing(const std::string& key) {
  Shard& shard = shard_of(key);
  Standing now{nullptr, shard.departures.load(std::memory_order_acquire)};
  // Asked before every lookup, and nearly always there is none: a hit takes no lock for it.
  if (shard.size.load(std::memory_order_acquire) == 0) return now;
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  if (found != shard.fills.end()) now.fill = found->second;
  return now;
}

std::size_t Collapse::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.size.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace larder::session
