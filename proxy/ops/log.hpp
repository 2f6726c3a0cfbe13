// Log: the line of an exchange, and the process's own words.
//
// Lines are written by a thread of their own (ops/line_writer); when stderr is full or closed they
// are dropped and counted, not waited for. Fields are not written, Referer and User-Agent in
// `combined` apart: no credentials, no cookies.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.hpp"
#include "ops/line_writer.hpp"
#include "session/record.hpp"

namespace larder::ops {

/// Sets up spdlog's default logger for the whole process. `lines` outlives stop_log().
void start_log(const config::Settings& settings, LineWriter& lines);
/// Nothing is logged any more.
void stop_log();

enum class LineFormat : std::uint8_t { text, json, combined };
/// As the settings say; where they leave it open, text on a terminal and JSON otherwise.
[[nodiscard]] LineFormat line_format(const config::Settings& settings);
/// In the place of what `line` held, whose room is used again. Without the final newline.
void write_line(const session::ExchangeRecord& record, LineFormat format, std::string& line);

}  // namespace larder::ops
