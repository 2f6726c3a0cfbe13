#include "store/witness.hpp"

#include <algorithm>

#include "store/redis_names.hpp"
#include "store/store.hpp"

namespace larder::store {

namespace {
/// No holder of a write is called so.
const std::string many = "many";
}  // namespace

void Witness::hear(const LeaseMessage& message, SteadyClock::time_point now) {
  forget(message.holder);
  if (message.event == LeaseMessage::Event::ended) return;
  const SteadyClock::time_point end = now + message.time;
  if (keys_ + message.keys.size() > limit) return remember_as_everything(end);
  keys_ += message.keys.size();
  leases_[message.holder] = {ends_.emplace(end, message.holder), message.keys};
}

void Witness::remember_as_everything(SteadyClock::time_point end) {
  if (!ends_.empty()) end = std::max(end, ends_.rbegin()->first);
  leases_.clear();
  ends_.clear();
  keys_ = 1;
  leases_[many] = {ends_.emplace(end, many), {Keyspace().everything}};
}

void Witness::forget(const std::string& holder) {
  const auto found = leases_.find(holder);
  if (found == leases_.end()) return;
  keys_ -= found->second.keys.size();
  ends_.erase(found->second.end);
  leases_.erase(found);
}

std::optional<SteadyClock::time_point> Witness::next() const {
  if (ends_.empty()) return {};
  return ends_.begin()->first;
}

policy::Tags Witness::take_lapsed(SteadyClock::time_point now) {
  policy::Tags tags;
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const std::string holder = ends_.begin()->second;
    for (const std::string& key : leases_[holder].keys) {
      // The name of a tag stands for it: it is its own name.
      const std::string_view name = tag_name_of(key);
      if (!name.empty()) tags.emplace_back(name);
    }
    forget(holder);
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

}  // namespace larder::store
