// Purging: an eviction that somebody asks for, rather than a write.
//
// By PURGE where clients connect (setting `purge_method`), or through the admin listener. What it
// comes to: policy/purge.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "policy/purge.hpp"
#include "policy/token_bucket.hpp"
#include "session/answer.hpp"
#include "session/record.hpp"
#include "store/store.hpp"

namespace larder::session {

class Worker;

/// How often anybody may purge, all ways together: each is a command to Redis, and a cold cache.
class PurgeLimit {
 public:
  static constexpr double per_second = 50;
  static constexpr double at_once = 100;

  /// From any thread.
  [[nodiscard]] bool take(SteadyClock::time_point now) {
    const std::lock_guard lock(mutex_);
    return bucket_.take(now);
  }

 private:
  std::mutex mutex_;
  policy::TokenBucket bucket_{per_second, at_once};
};

/// What a purge has done, or would do.
struct Purged {
  policy::Tags tags;
  policy::PurgeStrength strength = policy::PurgeStrength::hard;
  std::optional<std::size_t> in_memory{};  ///< responses that it finds in this process; none: not
                                           ///< counted
  /// Nothing: nothing was evicted, since it was only asked what would be.
  std::optional<store::EvictOutcome> outcome{};
};
/// Evicts what has one of these tags, or makes it stale.
[[nodiscard]] awaitable<store::EvictOutcome> purge(store::Store& store, policy::Tags tags,
                                                   policy::PurgeStrength strength);
/// A JSON object: {"evicted": true, "soft": false, "tags": ["p:/a"], "in_memory": 3, "redis":
/// "done"}. `redis` is "none" without one, "deferred" when it has not acknowledged yet.
[[nodiscard]] std::string format_purged(const Purged& purged, bool has_redis);

/// Answers a PURGE of the URL that it names: by a client that shows the admin token. Softly with
/// `Larder-Soft-Purge: 1`.
[[nodiscard]] awaitable<After> answer_purge(Worker& worker, const http::RequestHead& head,
                                            Answer& answer, ExchangeRecord& record);

}  // namespace larder::session
