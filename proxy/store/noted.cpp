#include "store/noted.hpp"

#include "store/stamps.hpp"

namespace larder::store {

Coherence::Connection listening(const Shared& shared, const RedisStore& redis) {
  const Coherence::Connection by = shared.coherence.listening();
  return shared.coherence.hears_of(redis.run()) ? by : 0;
}

MemoryStore::Guard make_guard(const policy::TagText& tags, const Stamps& of_resource,
                              const policy::Tags& own, const Stamps& of_own) {
  MemoryStore::Guard guard;
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (i != named_position) guard.add(LocalStamps::slot_of(tags[i]), of_resource[i]);
  for (std::size_t i = 0; i < own.size(); ++i) guard.add(LocalStamps::slot_of(own[i]), of_own[i]);
  return guard;
}

void keep(Shared& shared, std::string_view key, const policy::TagText& tags,
          std::size_t most_variants, const Noted& noted, const policy::StoredResponse& response,
          const Stamps& kept, std::chrono::milliseconds lifetime) {
  if (shared.memory.capacity() == 0 || lifetime <= lifetime.zero()) return;
  const MemoryStore::Guard guard =
      make_guard(tags, noted.local, response.tags.to_vector(), noted.own_local);
  shared.memory.put(key, response, guard, {kept, noted.by}, SteadyClock::now() + lifetime,
                    most_variants);
}

}  // namespace larder::store
