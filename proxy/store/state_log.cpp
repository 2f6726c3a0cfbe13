#include "store/state_log.hpp"

namespace larder::store {

bool StateLog::is_news(std::string_view subject, std::string_view line,
                       SteadyClock::time_point now) {
  const std::lock_guard lock(mutex_);
  Said& said = subjects_[std::string(subject)];
  if (said.line == line) return false;
  if (said.lines == 0 || now >= said.minute_began + std::chrono::minutes(1)) {
    said.minute_began = now;
    said.lines = 0;
  }
  if (said.lines >= lines_per_minute) return false;
  ++said.lines;
  said.line = line;
  return true;
}

void StateLog::forget(std::string_view subject) {
  const std::lock_guard lock(mutex_);
  const auto said = subjects_.find(subject);
  if (said != subjects_.end()) said->second.line.clear();
}

}  // namespace larder::store
