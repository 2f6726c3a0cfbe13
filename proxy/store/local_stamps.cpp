#include "store/local_stamps.hpp"

#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

LocalStamps::LocalStamps() {
  // Half the range is left to grow: no generation ever becomes zero.
  const Stamp start = make_stamp() >> 1 | 1;
  for (std::atomic<Stamp>& generation : generations_)
    generation.store(start, std::memory_order_relaxed);
}

LocalStamps::Slot LocalStamps::slot_of(std::string_view tag) {
  return static_cast<Slot>(xxh3(tag));
}

Stamps LocalStamps::current(const policy::Tags& tags) const {
  Stamps stamps;
  stamps.reserve(tags.size());
  for (const std::string& tag : tags) stamps.push_back(current(slot_of(tag)));
  return stamps;
}

void LocalStamps::evict(const policy::Tags& tags) {
  for (const std::string& tag : tags) evict(tag);
}

}  // namespace larder::store
