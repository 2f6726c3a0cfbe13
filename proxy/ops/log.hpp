// Log: one line per exchange, and the process's own words; never in the way of a request.
//
// Lines are gathered and written by threads of their own; when stderr is full or closed they are
// dropped, not waited for. Fields are not written: no credentials, no cookies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "ops/line_writer.hpp"
#include "session/record.hpp"

namespace larder::ops {

/// Sets up spdlog's default logger for the whole process.
void start_log(const config::Settings& settings);
/// Writes what is gathered, for at most a second, and ends.
void stop_log();

enum class LineFormat : std::uint8_t { text, json };
/// Without the final newline.
void append_line(const session::ExchangeRecord& record, LineFormat format, std::string& line);

/// Writes access lines when they are wanted.
class AccessLog {
 public:
  explicit AccessLog(const config::Settings& settings);
  void write(const session::ExchangeRecord& record);
  /// Lines that stderr did not take in time, and nobody will see.
  [[nodiscard]] std::uint64_t dropped() const { return writer_ ? writer_->dropped() : 0; }

 private:
  const LineFormat format_;
  std::optional<LineWriter> writer_;  ///< none: no access log is wanted
};

}  // namespace larder::ops
