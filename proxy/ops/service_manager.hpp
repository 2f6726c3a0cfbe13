// Service manager: tells systemd how a service of Type=notify is, and that it still lives
// (sd_notify(3), sd_watchdog_enabled(3)). Without one it says nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace larder::ops {

class ServiceManager {
 public:
  /// From NOTIFY_SOCKET, and from WATCHDOG_USEC if WATCHDOG_PID is this process or nobody.
  static ServiceManager from_environment();

  [[nodiscard]] bool is_there() const { return !socket_.empty(); }
  /// It wants to hear WATCHDOG=1 more often than that. Nothing: it does not watch.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

  /// "READY=1", or several lines. Never waits; what cannot be told is left untold.
  void tell(std::string_view lines) const;

 private:
  std::string socket_;  ///< a path, or "@name" of an abstract one; empty: nobody is there
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace larder::ops
