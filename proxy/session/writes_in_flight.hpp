// Writes in flight: what the writes that are with the origin now will make old when they end.
//
// The origin may have carried one out before its answer has come back, and so before the eviction.
// Who finds then that something stored is old (session/verifying) has found nothing wrong. Leases
// in Redis say the same of other replicas' writes, where there are any.
#pragma once

#include <list>
#include <mutex>

#include "policy/tags.hpp"

namespace larder::session {

/// From any thread.
class WritesInFlight {
 public:
  /// Until it is destroyed, which has to be after the eviction.
  class Entry {
   public:
    Entry() = default;
    Entry(WritesInFlight& all, const policy::Tags& tags);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

   private:
    WritesInFlight* all_ = nullptr;
    std::list<policy::Tags>::iterator place_;
  };

  /// Does one of them evict one of these?
  [[nodiscard]] bool concern(const policy::Tags& tags) const;

 private:
  mutable std::mutex mutex_;
  std::list<policy::Tags> tags_;
};

}  // namespace larder::session
