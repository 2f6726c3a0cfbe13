#include "session/collapse.hpp"

#include <utility>

namespace larder::session {

Collapse::Joined Collapse::join(const std::string& key, store::Stamps stamps, store::Stamps local,
                                SteadyClock::time_point now, bool alone) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  std::shared_ptr<Fill>& present = shard.fills[key];
  if (present && !alone) {
    const bool is_same = present->stamps() == stamps;
    const bool is_known =
        !stamps.empty() || (present->local() == local && now - present->begun() <= blind_trust);
    if (is_same && is_known) return {present, false};
  }
  present = std::make_shared<Fill>(std::move(stamps), std::move(local), now);
  return {present, true};
}

void Collapse::leave(const std::string& key, const std::shared_ptr<Fill>& fill) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  if (found != shard.fills.end() && found->second == fill) shard.fills.erase(found);
  shard.departures.fetch_add(1, std::memory_order_release);
}

bool Collapse::is_filling(const std::string& key) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  return shard.fills.contains(key);
}

}  // namespace larder::session
