#include "session/worker.hpp"

namespace larder::session {

bool UnstoredKeys::remembers(const std::string& key, SteadyClock::time_point now) {
  if (until_.empty()) return false;
  const auto found = until_.find(key);
  if (found == until_.end()) return false;
  if (found->second > now) return true;
  until_.erase(found);
  return false;
}

void UnstoredKeys::remember(const std::string& key, SteadyClock::time_point until) {
  if (until_.size() >= maximum) until_.erase(until_.begin());
  until_[key] = until;
}

}  // namespace larder::session
