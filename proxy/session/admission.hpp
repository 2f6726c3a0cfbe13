// Admission: how many requests the origin gets at once, all threads together, and who waits.
//
// First come, first served over all threads. The queue is short and nobody stands in it for long:
// an origin that cannot follow is helped by a quick 503, not by a growing heap of work. While there
// are places a request takes no lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "config/config.hpp"
#include "session/fetch_failure.hpp"
#include "store/io.hpp"

namespace larder::session {

class Admission;

/// The right to have one request with the origin; given back when it ends.
class Place {
 public:
  Place() = default;  ///< there is no cap: nothing to give back
  explicit Place(Admission& admission) : admission_(&admission) {}
  Place(Place&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
  Place& operator=(Place&& other) noexcept;
  ~Place() { give_back(); }
  void give_back();

 private:
  Admission* admission_ = nullptr;
};

class Admission {
 public:
  /// `limit` zero: none.
  Admission(unsigned limit, unsigned queue, std::chrono::milliseconds timeout)
      : limit_(limit), queue_(queue), timeout_(timeout) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  using Admitted = std::variant<Place, FetchFailure>;
  /// Asked now and then while a request waits; empty: it waits for nobody in particular.
  using HasLeft = std::function<bool()>;
  /// A place, if there is one and nobody waits for it; nothing: to be waited for with admit().
  [[nodiscard]] std::optional<Place> admit_now();
  /// On `executor`'s thread. Fails with queue_full, queue_timed_out or left_queue.
  [[nodiscard]] awaitable<Admitted> admit(Executor executor, HasLeft has_left);

  struct Status {
    unsigned limit = 0;
    unsigned in_flight = 0;
    unsigned waiting = 0;
    std::uint64_t refused = 0;    ///< since the start: the queue was full
    std::uint64_t timed_out = 0;  ///< waited in vain
  };
  [[nodiscard]] Status status() const;

 private:
  friend class Place;
  struct Waiter {
    explicit Waiter(const Executor& executor) : timer(executor) {}
    Timer timer;  ///< of its own thread
    bool is_admitted = false;
  };
  using WaiterPointer = std::shared_ptr<Waiter>;

  /// Stands in the queue for as long as it lives, also when its coroutine ends without a word.
  class Queued {
   public:
    Queued(Admission& admission, WaiterPointer waiter)
        : admission_(admission), waiter_(std::move(waiter)) {}
    Queued(const Queued&) = delete;
    Queued& operator=(const Queued&) = delete;
    ~Queued();
    /// The place that it was given, if it was.
    [[nodiscard]] std::optional<Place> take();

   private:
    Admission& admission_;
    WaiterPointer waiter_;
  };

  void give_back();
  /// One more in flight, unless that would be too many.
  [[nodiscard]] bool take();
  /// Free places to those who have waited longest. With the mutex held.
  void hand_out();

  const unsigned limit_;
  const unsigned queue_;
  const std::chrono::milliseconds timeout_;
  std::atomic<unsigned> in_flight_{0};
  /// As many as `waiting_` has. Whoever adds to it looks for a free place afterwards, and whoever
  /// frees a place looks here afterwards: one of the two sees the other.
  std::atomic<unsigned> waiters_{0};
  mutable std::mutex mutex_;  ///< of what follows
  std::deque<WaiterPointer> waiting_;
  std::uint64_t refused_ = 0;
  std::uint64_t timed_out_ = 0;
};

}  // namespace larder::session
