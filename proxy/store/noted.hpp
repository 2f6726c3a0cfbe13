// Noted: how things stood in this process before a response's stamps were read, by which memory
// keeps it. Whatever is evicted after that makes the response old, however late its store hears.
#pragma once

#include <chrono>
#include <string_view>

#include "policy/tags.hpp"
#include "store/coherence.hpp"
#include "store/memory_store.hpp"
#include "store/redis_store.hpp"
#include "store/tiered_store.hpp"

namespace larder::store {

struct Noted {
  Coherence::Connection by = 0;  ///< that tells of evictions; zero: none does
  Stamps local{};                ///< of the tags of its resource
  Stamps own_local{};            ///< of its own
};

/// The connection that tells of what is evicted in this Redis; zero: none.
[[nodiscard]] Coherence::Connection listening(const Shared& shared, const RedisStore& redis);

/// Guards a response by the local stamps that the tags of its resource and its own had.
[[nodiscard]] MemoryStore::Guard make_guard(const policy::TagText& tags, const Stamps& of_resource,
                                            const policy::Tags& own, const Stamps& of_own);

/// Puts into memory what was found current in Redis. `kept`: its stamps there.
void keep(Shared& shared, std::string_view key, const policy::TagText& tags,
          std::size_t most_variants, const Noted& noted, const policy::StoredResponse& response,
          const Stamps& kept, std::chrono::milliseconds lifetime);

}  // namespace larder::store
