// Clock: the only place that reads the wall clock, so that tests can move it.
#pragma once

#include <chrono>

#include "policy/stored_response.hpp"

namespace larder::session {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const {
    return std::chrono::system_clock::now();
  }
  [[nodiscard]] policy::SystemSeconds now_in_seconds() const {
    return std::chrono::floor<std::chrono::seconds>(now());
  }
};

}  // namespace larder::session
