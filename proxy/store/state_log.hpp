// State log: tells news from what the log already says, for all workers together.
//
// All workers lose Redis at the same moment, and find it again; one line of each is enough. And a
// connection that comes and goes must not fill the log.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "store/io.hpp"

namespace larder::store {

class StateLog {
 public:
  static constexpr int lines_per_minute = 10;  ///< for each subject

  /// Is `line` not what was last said of this subject? If so it is to be said now.
  [[nodiscard]] bool is_news(std::string_view subject, std::string_view line,
                             SteadyClock::time_point now);
  /// The next line of this subject is news, whatever it is.
  void forget(std::string_view subject);

 private:
  struct Said {
    std::string line;
    int lines = 0;  ///< in the current minute
    SteadyClock::time_point minute_began;
  };

  std::mutex mutex_;
  std::map<std::string, Said, std::less<>> subjects_;
};

}  // namespace larder::store
