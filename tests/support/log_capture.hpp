// Log capture: what is logged while it lives, instead of being written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace larder::test {

class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", std::move(sink)));
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture() { spdlog::set_default_logger(before_); }

  [[nodiscard]] std::string text() const { return text_.str(); }
  [[nodiscard]] bool says(std::string_view words) const { return lines(words) > 0; }
  [[nodiscard]] long lines() const {
    const std::string all = text();
    return static_cast<long>(std::count(all.begin(), all.end(), '\n'));
  }
  /// How many lines say these words.
  [[nodiscard]] std::size_t lines(std::string_view words) const {
    std::istringstream text(text_.str());
    std::size_t count = 0;
    for (std::string line; std::getline(text, line);)
      if (line.find(words) != std::string::npos) ++count;
    return count;
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace larder::test
