#include "ops/logged_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace larder::ops {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "28/Nov/2026:15:36:50 +0100"
std::optional<policy::Moment> parse_time(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::string_view model = "00/Mon/0000:00:00:00 +0000";
  if (text.size() != model.size()) return std::nullopt;
  for (const std::size_t at : {2U, 6U, 11U, 14U, 17U, 20U})
    if (text[at] != model[at]) return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(3, 3));
  const auto day = parse_number<unsigned>(text.substr(0, 2));
  const auto year = parse_number<int>(text.substr(7, 4));
  const auto hour = parse_number<unsigned>(text.substr(12, 2));
  const auto minute = parse_number<unsigned>(text.substr(15, 2));
  const auto second = parse_number<unsigned>(text.substr(18, 2));
  const auto zone_hours = parse_number<unsigned>(text.substr(22, 2));
  const auto zone_minutes = parse_number<unsigned>(text.substr(24, 2));
  const bool has_sign = text[21] == '+' || text[21] == '-';
  if (month == months.end() || !day || !year || !hour || !minute || !second || !zone_hours ||
      !zone_minutes || !has_sign)
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
      std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const minutes ahead = std::chrono::hours(*zone_hours) + minutes(*zone_minutes);
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + minutes(*minute) +
         seconds(*second) - (text[21] == '-' ? -ahead : ahead);
}

http::Method method_of(std::string_view text) {
  using http::Method;
  static constexpr std::array<std::pair<std::string_view, Method>, 9> methods{
      {{"GET", Method::get},
       {"HEAD", Method::head},
       {"OPTIONS", Method::options},
       {"TRACE", Method::trace},
       {"CONNECT", Method::connect},
       {"POST", Method::post},
       {"PUT", Method::put},
       {"PATCH", Method::patch},
       {"DELETE", Method::del}}};
  const auto found = std::find_if(methods.begin(), methods.end(),
                                  [&](const auto& known) { return known.first == text; });
  return found == methods.end() ? Method::other : found->second;
}

/// Between the quotes that `text` begins with; nginx writes quotes within as \x22, others as \".
std::optional<std::string_view> take_quoted(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      const std::string_view quoted = text.substr(1, at - 1);
      text.remove_prefix(at + 1);
      return quoted;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<policy::LoggedRequest> parse_logged_line(std::string_view line) {
  // ADDRESS - USER [TIME] "REQUEST" STATUS BYTES "REFERER" "USER-AGENT"
  const std::size_t open = line.find(" [");
  const std::size_t close = open == std::string_view::npos ? open : line.find("] \"", open);
  if (close == std::string_view::npos) return std::nullopt;
  const auto moment = parse_time(line.substr(open + 2, close - open - 2));
  std::string_view rest = line.substr(close + 2);
  const auto request = take_quoted(rest);
  if (!moment || !request || !rest.starts_with(' ')) return std::nullopt;
  rest.remove_prefix(1);
  const auto status = parse_number<std::uint16_t>(rest.substr(0, rest.find(' ')));
  if (!status || *status < 100 || *status > 599) return std::nullopt;

  const std::size_t first = request->find(' ');
  const std::size_t last = request->rfind(' ');
  if (first == std::string_view::npos || last <= first ||
      !request->substr(last + 1).starts_with("HTTP/"))
    return std::nullopt;
  const std::string_view target = request->substr(first + 1, last - first - 1);
  if (target.empty() || target.find(' ') != std::string_view::npos) return std::nullopt;
  policy::LoggedRequest logged;
  logged.method_text = request->substr(0, first);
  logged.method = method_of(logged.method_text);
  const std::size_t question = target.find('?');
  logged.path = target.substr(0, question);
  if (question != std::string_view::npos) logged.query = target.substr(question + 1);
  logged.status = *status;
  logged.moment = *moment;
  return logged;
}

}  // namespace larder::ops
