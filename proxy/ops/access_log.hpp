// Access log: which exchanges of one thread have a line, and what it does not show.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "ops/line_source.hpp"
#include "ops/log.hpp"
#include "session/record.hpp"

namespace larder::ops {

class AccessLog {
 public:
  /// Both outlive this; `lines` is this thread's alone.
  AccessLog(const config::Settings& settings, LineSource& lines);

  void write(const session::ExchangeRecord& record);

  /// Bytes of its lines that may wait to be written: at 50,000 requests a second those of 40 ms,
  /// and the writer is woken after a quarter.
  static constexpr std::size_t capacity = std::size_t{1} << 19;

 private:
  [[nodiscard]] bool is_wanted(const session::ExchangeRecord& record);

  const config::Settings& settings_;
  const LineFormat format_;
  LineSource& lines_;
  std::uint64_t drawn_ = 0;
  std::string line_;  ///< these keep their room
  std::string query_;
  std::string referer_;
};

}  // namespace larder::ops
