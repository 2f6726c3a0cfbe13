#include "session/writes_in_flight.hpp"

#include <algorithm>

namespace larder::session {

WritesInFlight::Entry::Entry(WritesInFlight& all, const policy::Tags& tags) : all_(&all) {
  const std::scoped_lock lock(all_->mutex_);
  place_ = all_->tags_.insert(all_->tags_.end(), tags);
}

WritesInFlight::Entry::~Entry() {
  if (!all_) return;
  const std::scoped_lock lock(all_->mutex_);
  all_->tags_.erase(place_);
}

bool WritesInFlight::concern(const policy::Tags& tags) const {
  const std::scoped_lock lock(mutex_);
  return std::any_of(tags_.begin(), tags_.end(), [&](const policy::Tags& of_write) {
    return std::find_first_of(of_write.begin(), of_write.end(), tags.begin(), tags.end()) !=
           of_write.end();
  });
}

}  // namespace larder::session
