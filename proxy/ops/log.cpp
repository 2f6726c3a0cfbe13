#include "ops/log.hpp"

#include <unistd.h>

#include <array>
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

#include "http/bytes.hpp"
#include "http/text_writer.hpp"
#include "ops/combined_line.hpp"

namespace larder::ops {

LineFormat line_format(const config::Settings& settings) {
  switch (settings.log_format) {
    case config::LogFormat::text:
      return LineFormat::text;
    case config::LogFormat::json:
      return LineFormat::json;
    case config::LogFormat::combined:
      return LineFormat::combined;
    case config::LogFormat::automatic:
      break;
  }
  return ::isatty(STDERR_FILENO) != 0 ? LineFormat::text : LineFormat::json;
}

namespace {

/// Bytes of the process's own words that may wait to be written.
constexpr std::size_t words_capacity = std::size_t{1} << 17;

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

constexpr std::array<bool, 256> make_plain_in_json() {
  std::array<bool, 256> plain{};
  for (unsigned byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}
constexpr std::array<bool, 256> plain_in_json = make_plain_in_json();
/// The others, sixteen at once.
struct NotPlainInJson {
  static auto of(http::Bytes bytes) {
    return (bytes - 0x20 >= 0x7f - 0x20) | (bytes == '"') | (bytes == '\\');
  }
};

/// In quotes, whatever it is.
void put_escaped(http::TextWriter& json, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  constexpr std::size_t longest = 6;  // \u00XX
  char* at = json.need(2 + longest * text.size());
  *at++ = '"';
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (plain_in_json[byte]) {
      *at++ = letter;
      continue;
    }
    *at++ = '\\';
    if (letter == '"' || letter == '\\') {
      *at++ = letter;
      continue;
    }
    // Bytes beyond ASCII are shown one by one: what a client sent need not be UTF-8.
    for (const char digit : {'u', '0', '0', hex[byte >> 4], hex[byte & 15]}) *at++ = digit;
  }
  *at++ = '"';
  json.wrote(at);
}

/// In quotes.
void put_json_string(http::TextWriter& json, std::string_view text) {
  if (!http::has_none<NotPlainInJson>(text)) return put_escaped(json, text);
  char* const at = json.need(text.size() + 2);
  at[0] = '"';
  http::copy_text(at + 1, text.data(), text.size());
  at[text.size() + 1] = '"';
  json.wrote(at + text.size() + 2);
}

/// The message as a JSON string.
class QuotedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    std::string quoted;
    {
      http::TextWriter json(quoted, 2 * text.size());
      put_json_string(json, text);
    }
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<QuotedText>();
  }
};

/// Takes spdlog's lines to a writer that waits for nobody. spdlog's own sinks write to the stream
/// themselves, and a full pipe would hold up whoever logs, or the end of the process.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(LineSource& lines) : lines_(lines) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view text(line.data(), line.size());
    if (text.ends_with('\n')) text.remove_suffix(1);
    lines_.write(text);
  }
  void flush_() override {}

  LineSource& lines_;
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
void write_json(const session::ExchangeRecord& record, std::string& line) {
  constexpr std::size_t shortest_line = 128;
  http::TextWriter json(line, 0, shortest_line);

  const auto whole = std::chrono::floor<std::chrono::seconds>(record.began);
  json.put(R"({"time":")");
  json.put(seconds_as_text(whole, [](std::time_t time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(time));
  }));
  json.put('.');
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(record.began - whole);
  json.put_three_digits(static_cast<unsigned>(rest.count()));
  json.put(R"(Z","level":"info","peer":)");
  put_json_string(json, record.peer);
  // A method is a token, and what may be in a host has nothing to escape either.
  json.put(R"(,"method":")");
  json.put(record.method);
  json.put(R"(","host":")");
  json.put(record.host);
  json.put(R"(","path":)");
  put_json_string(json, record.path);
  if (!record.query.empty()) {
    json.put(R"(,"query":)");
    put_json_string(json, record.query);
  }
  json.put(R"(,"status":)");
  json.put_number(record.status);
  json.put(R"(,"bytes":)");
  json.put_number(record.content_sent);
  json.put(R"(,"ms":)");
  const auto took = static_cast<std::uint64_t>(
      std::chrono::round<std::chrono::microseconds>(record.took).count());
  json.put_number(took / 1000);
  json.put('.');
  json.put_three_digits(static_cast<unsigned>(took % 1000));
  json.put(R"(,"cache":")");
  json.put(policy::format_cache_result(record.cache.result));
  json.put('"');
  if (record.cache.forward) {
    json.put(R"(,"fwd":")");
    json.put(policy::format_forward_reason(*record.cache.forward));
    json.put('"');
  }
  if (record.cache.detail != policy::Detail::none) {
    json.put(R"(,"detail":")");
    json.put(policy::format_detail(record.cache.detail));
    json.put('"');
  }
  if (record.tier == store::Tier::memory) json.put(R"(,"tier":"memory")");
  if (record.tier == store::Tier::redis) json.put(R"(,"tier":"redis")");
  if (record.cache.stored) json.put(R"(,"stored":true)");
  if (record.cache.collapsed) json.put(R"(,"collapsed":true)");
  if (!record.rule.empty()) {
    json.put(R"(,"rule":)");
    put_json_string(json, record.rule);
  }
  if (record.evicted_tags > 0) {
    json.put(R"(,"evicted_tags":)");
    json.put_number(record.evicted_tags);
    if (record.eviction_deferred) {
      json.put(R"(,"eviction_deferred":true)");
    } else {
      json.put(R"(,"eviction_deferred":false)");
    }
  }
  if (record.failure != session::FetchFailure::none) {
    json.put(R"(,"failure":)");
    put_json_string(json, describe(record.failure));
  }
  if (record.cut_off) json.put(R"(,"cut_off":true)");
  // A token has nothing to escape, nor have hexadecimal digits.
  const auto put_id = [&json](std::string_view name, std::string_view id) {
    json.put(name);
    json.put(id);
    json.put('"');
  };
  if (record.id) put_id(R"(,"request_id":")", record.id->text());
  if (record.fill_id) put_id(R"(,"fill_request_id":")", record.fill_id->text());
  if (record.span) put_id(R"(,"trace_id":")", record.span->trace_id());
  json.put('}');
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
  if (record.id) line += fmt::format("  {}", record.id->text());
  return line;
}

}  // namespace

void start_log(const config::Settings& settings, LineWriter& lines) {
  const auto own = std::make_shared<spdlog::logger>(
      "larder", std::make_shared<LineSink>(lines.add_source(words_capacity)));
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

void write_line(const session::ExchangeRecord& record, LineFormat format, std::string& line) {
  switch (format) {
    case LineFormat::json:
      write_json(record, line);
      break;
    case LineFormat::text:
      line = format_text(record);
      break;
    case LineFormat::combined:
      line.clear();
      append_combined(record, line);
      break;
  }
}

}  // namespace larder::ops
