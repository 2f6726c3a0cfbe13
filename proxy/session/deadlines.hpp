// Deadlines: every wait on a socket has one, at the cost of a store (performance.md: a timer per
// operation costs thousands of instructions, this a few).
//
// A coarse wheel per thread. A deadline that moves further away is not relinked: it is looked at
// when its old slot comes up. All calls on the thread of the io_context.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <boost/intrusive/list.hpp>

#include "store/io.hpp"

namespace larder::session {

class Deadlines;

/// Something that is to be told when its time is up. Unlinks itself when destroyed.
class Deadline : public boost::intrusive::list_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  virtual ~Deadline() = default;

  [[nodiscard]] bool is_expired() const { return expired_; }

 protected:
  /// Called once, on the thread of the wheel. May destroy this object.
  virtual void on_expiry() = 0;

 private:
  friend class Deadlines;
  SteadyClock::time_point at_ = SteadyClock::time_point::max();
  std::uint64_t tick_ = 0;  ///< of the slot it is linked in
  bool expired_ = false;
};

class Deadlines {
 public:
  explicit Deadlines(asio::io_context& io);
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  ~Deadlines();

  /// Sets or moves a deadline, `after` from now; zero or less: none. Takes back an expiry.
  void set(Deadline& deadline, std::chrono::milliseconds after);
  void clear(Deadline& deadline);
  /// Stops the wheel, so that the io_context runs out of work.
  void stop();

  static constexpr std::chrono::milliseconds resolution{16};

 private:
  static constexpr std::size_t slots = 1024;  // 16 s ahead; later ones come round again
  using Slot = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] std::uint64_t tick_of(SteadyClock::time_point time) const;
  void link(Deadline& deadline);
  void schedule(std::uint64_t tick);
  void advance();

  Timer timer_;
  SteadyClock::time_point origin_;
  std::uint64_t current_ = 0;    ///< every slot up to this tick has been looked at
  std::uint64_t scheduled_ = 0;  ///< tick the timer waits for; 0: none
  bool stopped_ = false;
  std::array<Slot, slots> wheel_;
};

}  // namespace larder::session
