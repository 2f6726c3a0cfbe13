#include "store/local_stamps.hpp"

#include "store/redis_names.hpp"
#include "store/stamps.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

LocalStamps::LocalStamps() {
  // Half the range is left to grow: no generation ever becomes zero.
  const Stamp start = make_stamp() >> (64 - hard_bits + 1) | 1;
  for (std::atomic<Stamp>& generation : generations_)
    generation.store(start, std::memory_order_relaxed);
}

LocalStamps::Slot LocalStamps::slot_of(std::string_view tag) {
  return static_cast<Slot>(tag.size() <= longest_name ? xxh3(tag) : xxh3(name_of(tag)));
}

Stamps LocalStamps::current(const policy::Tags& tags) const {
  Stamps stamps;
  stamps.reserve(tags.size());
  for (const std::string& tag : tags) stamps.push_back(current(slot_of(tag)));
  return stamps;
}

Stamps LocalStamps::current(const policy::TagText& tags) const {
  Stamps stamps;
  stamps.reserve(tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) stamps.push_back(current(slot_of(tags[i])));
  return stamps;
}

void LocalStamps::evict(const policy::Tags& tags) {
  for (const std::string& tag : tags) evict(tag);
}

void LocalStamps::soften(const policy::Tags& tags) {
  for (const std::string& tag : tags) generations_[slot_of(tag)].fetch_add(Stamp{1} << hard_bits);
}

void LocalStamps::evict_name(std::string_view name) {
  generations_[static_cast<Slot>(xxh3(name))].fetch_add(1);
}

}  // namespace larder::store
