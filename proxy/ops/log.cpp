#include "ops/log.hpp"

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace larder::ops {

namespace {

LineFormat line_format(const config::Settings& settings) {
  switch (settings.log_format) {
    case config::LogFormat::text:
      return LineFormat::text;
    case config::LogFormat::json:
      return LineFormat::json;
    case config::LogFormat::automatic:
      break;
  }
  return ::isatty(STDERR_FILENO) != 0 ? LineFormat::text : LineFormat::json;
}

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warning:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain_from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') continue;
    out.append(text, plain_from, at - plain_from);
    plain_from = at + 1;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[at];
    } else {
      // Bytes beyond ASCII are shown one by one: what a client sent need not be UTF-8.
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  out.append(text.substr(plain_from));
  out += '"';
}

/// With zeros before it, up to so many digits.
void append_number(std::string& out, std::uint64_t number, std::size_t digits = 1) {
  char room[24];
  const char* const end = std::to_chars(room, room + sizeof room, number).ptr;
  const auto size = static_cast<std::size_t>(end - room);
  if (size < digits) out.append(digits - size, '0');
  out.append(room, size);
}

/// The message as a JSON string.
class QuotedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string quoted;
    append_json_string(quoted, {message.payload.data(), message.payload.size()});
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<QuotedText>();
  }
};

/// Takes spdlog's lines to a writer that waits for nobody. spdlog's own sinks write to the stream
/// themselves, and a full pipe would hold up whoever logs, or the end of the process.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view text(line.data(), line.size());
    if (text.ends_with('\n')) text.remove_suffix(1);
    writer_.write(text);
  }
  void flush_() override {}

  LineWriter writer_{STDERR_FILENO};
};

/// Printable ASCII as it is; anything else would let a client write to the terminal.
std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) shown += c > 0x20 && c < 0x7f ? c : '?';
  return shown;
}

/// The whole seconds of `time` by `format`, made anew once a second a thread: it is most of a
/// line's cost.
template <class Make>
const std::string& seconds_as_text(std::chrono::system_clock::time_point time, const Make& make) {
  thread_local std::time_t made_for = -1;
  thread_local std::string text;
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  if (whole != made_for) {
    text = make(whole);
    made_for = whole;
  }
  return text;
}

// By hand: a line is written for every request, and fmt took a quarter of a hit's instructions for
// it (tests/bench/gates --profile plain).
void append_json(const session::ExchangeRecord& record, std::string& line) {
  const auto append_string = [&line](std::string_view name, std::string_view text) {
    line += name;
    append_json_string(line, text);
  };
  const auto append_word = [&line](std::string_view name, std::string_view word) {
    line.append(name).append(word) += '"';
  };
  const auto whole = std::chrono::floor<std::chrono::seconds>(record.began);
  line += R"({"time":")";
  line += seconds_as_text(whole, [](std::time_t time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(time));
  });
  line += '.';
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(record.began - whole);
  append_number(line, static_cast<std::uint64_t>(rest.count()), 3);
  line += R"(Z","level":"info")";
  append_string(R"(,"peer":)", record.peer);
  append_string(R"(,"method":)", record.method);
  append_string(R"(,"host":)", record.host);
  append_string(R"(,"path":)", record.path);
  if (!record.query.empty()) append_string(R"(,"query":)", record.query);
  line += R"(,"status":)";
  append_number(line, record.status);
  line += R"(,"bytes":)";
  append_number(line, record.content_sent);
  line += R"(,"ms":)";
  const auto took = std::chrono::round<std::chrono::microseconds>(record.took);
  append_number(line, static_cast<std::uint64_t>(took.count()) / 1000);
  line += '.';
  append_number(line, static_cast<std::uint64_t>(took.count()) % 1000, 3);
  append_word(R"(,"cache":")", policy::format_cache_result(record.cache.result));
  if (record.cache.forward)
    append_word(R"(,"fwd":")", policy::format_forward_reason(*record.cache.forward));
  if (record.cache.detail != policy::Detail::none)
    append_word(R"(,"detail":")", policy::format_detail(record.cache.detail));
  if (record.tier != store::Tier::none)
    line += record.tier == store::Tier::memory ? R"(,"tier":"memory")" : R"(,"tier":"redis")";
  if (record.cache.stored) line += R"(,"stored":true)";
  if (record.cache.collapsed) line += R"(,"collapsed":true)";
  if (!record.rule.empty()) append_string(R"(,"rule":)", record.rule);
  if (record.evicted_tags > 0) {
    line += R"(,"evicted_tags":)";
    append_number(line, record.evicted_tags);
    line +=
        record.eviction_deferred ? R"(,"eviction_deferred":true)" : R"(,"eviction_deferred":false)";
  }
  if (record.failure != session::FetchFailure::none)
    append_string(R"(,"failure":)", describe(record.failure));
  if (record.cut_off) line += R"(,"cut_off":true)";
  line += '}';
}

std::string format_text(const session::ExchangeRecord& record) {
  const std::string& second = seconds_as_text(
      std::chrono::floor<std::chrono::seconds>(record.began),
      [](std::time_t time) { return fmt::format("{:%H:%M:%S}", fmt::localtime(time)); });
  std::string line = fmt::format("{} {:<6} {:>3} {:>8.1f} ms  {} {}", second,
                                 policy::format_cache_result(record.cache.result), record.status,
                                 static_cast<double>(record.took.count()) / 1e6,
                                 printable(record.method), printable(record.path));
  if (!record.query.empty()) line += "?" + printable(record.query);
  if (record.cache.forward)
    line += fmt::format("  {}", policy::format_forward_reason(*record.cache.forward));
  if (record.cache.detail != policy::Detail::none)
    line += fmt::format(" ({})", policy::format_detail(record.cache.detail));
  if (record.cache.stored) line += " stored";
  if (record.cache.collapsed) line += " collapsed";
  if (record.evicted_tags > 0) line += record.eviction_deferred ? " eviction deferred" : " evicted";
  if (record.failure != session::FetchFailure::none)
    line += fmt::format(": {}", describe(record.failure));
  if (record.cut_off) line += " [cut off]";
  return line;
}

}  // namespace

void start_log(const config::Settings& settings) {
  const auto own = std::make_shared<spdlog::logger>("larder", std::make_shared<LineSink>());
  own->set_level(level_of(settings.log_level));
  if (line_format(settings) == LineFormat::json) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<QuotedText>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
    own->set_formatter(std::move(formatter));
  } else {
    own->set_pattern("%H:%M:%S %l: %v");
  }
  spdlog::set_default_logger(own);
  spdlog::set_error_handler([](const std::string&) {});
}

void stop_log() {
  spdlog::shutdown();
}

void append_line(const session::ExchangeRecord& record, LineFormat format, std::string& line) {
  if (format == LineFormat::json) {
    append_json(record, line);
  } else {
    line += format_text(record);
  }
}

AccessLog::AccessLog(const config::Settings& settings) : format_(line_format(settings)) {
  if (settings.access_log) writer_.emplace(STDERR_FILENO);
}

void AccessLog::write(const session::ExchangeRecord& record) {
  if (!writer_) return;
  thread_local std::string line;  // keeps its room
  line.clear();
  append_line(record, format_, line);
  writer_->write(line);
}

}  // namespace larder::ops
