#include "store/settling.hpp"

namespace larder::store {

void Settling::note(const policy::Tags& tags, SteadyClock::time_point until) {
  const SteadyClock::rep settled = until.time_since_epoch().count();
  for (const std::string& tag : tags) {
    std::atomic<SteadyClock::rep>& slot = (*until_)[LocalStamps::slot_of(tag)];
    SteadyClock::rep present = slot.load();
    while (present < settled && !slot.compare_exchange_weak(present, settled)) {
    }
  }
}

bool Settling::is_settling(std::string_view tag, SteadyClock::time_point now) const {
  return now.time_since_epoch().count() < (*until_)[LocalStamps::slot_of(tag)].load();
}

}  // namespace larder::store
