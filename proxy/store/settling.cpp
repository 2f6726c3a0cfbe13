#include "store/settling.hpp"

namespace larder::store {

void Settling::note(const policy::Tags& tags, SteadyClock::time_point now) {
  if (!until_) return;
  const SteadyClock::rep until = (now + time_).time_since_epoch().count();
  for (const std::string& tag : tags) {
    std::atomic<SteadyClock::rep>& slot = (*until_)[LocalStamps::slot_of(tag)];
    SteadyClock::rep present = slot.load();
    while (present < until && !slot.compare_exchange_weak(present, until)) {
    }
  }
}

bool Settling::is_settling(std::string_view tag, SteadyClock::time_point now) const {
  return until_ && now.time_since_epoch().count() < (*until_)[LocalStamps::slot_of(tag)].load();
}

}  // namespace larder::store
