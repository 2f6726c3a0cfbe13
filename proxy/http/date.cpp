#include "http/date.hpp"

#include <array>
#include <cstdint>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> long_day_names = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// Takes a date apart from left to right; every step fails once one has failed. The grammar knows
/// no optional whitespace and its names have a case (RFC 9110 5.6.7).
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool ended() const { return good_ && text_.empty(); }
  void expect(std::string_view literal) {
    good_ = good_ && text_.substr(0, literal.size()) == literal;
    if (good_) text_.remove_prefix(literal.size());
  }
  [[nodiscard]] unsigned number(std::size_t digits) {
    good_ =
        good_ && text_.size() >= digits && grammar::is_all(text_.substr(0, digits), grammar::digit);
    if (!good_) return 0;
    unsigned value = 0;
    for (const char c : text_.substr(0, digits))
      value = value * 10 + static_cast<unsigned>(c - '0');
    text_.remove_prefix(digits);
    return value;
  }
  /// The place, from zero, of a three-letter name in `names`.
  [[nodiscard]] unsigned name(std::string_view names) {
    for (std::size_t at = 0; good_ && text_.size() >= 3 && at < names.size(); at += 3) {
      if (text_.substr(0, 3) != names.substr(at, 3)) continue;
      text_.remove_prefix(3);
      return static_cast<unsigned>(at / 3);
    }
    good_ = false;
    return 0;
  }
  void long_day_name() {
    for (const std::string_view day : long_day_names) {
      if (!good_ || text_.substr(0, day.size()) != day) continue;
      text_.remove_prefix(day.size());
      return;
    }
    good_ = false;
  }
  [[nodiscard]] char front() const { return text_.empty() ? '\0' : text_.front(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

struct Parts {
  unsigned year = 0;
  unsigned month = 0;  // from zero
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

void read_time(Reader& reader, Parts& parts) {
  parts.hour = reader.number(2);
  reader.expect(":");
  parts.minute = reader.number(2);
  reader.expect(":");
  parts.second = reader.number(2);
}

/// A leap second is the first second of the next minute.
std::optional<SystemSeconds> to_time(const Parts& parts) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(parts.year)),
                                         std::chrono::month(parts.month + 1),
                                         std::chrono::day(parts.day)};
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return {};
  return std::chrono::sys_days(date) + hours(parts.hour) + minutes(parts.minute) +
         seconds(parts.second);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<SystemSeconds> parse_imf_fixdate(std::string_view text) {
  Reader reader(text);
  Parts parts;
  (void)reader.name(day_names);
  reader.expect(", ");
  parts.day = reader.number(2);
  reader.expect(" ");
  parts.month = reader.name(month_names);
  reader.expect(" ");
  parts.year = reader.number(4);
  reader.expect(" ");
  read_time(reader, parts);
  reader.expect(" GMT");
  return reader.ended() ? to_time(parts) : std::nullopt;
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<SystemSeconds> parse_rfc850(std::string_view text, SystemSeconds now) {
  Reader reader(text);
  Parts parts;
  reader.long_day_name();
  reader.expect(", ");
  parts.day = reader.number(2);
  reader.expect("-");
  parts.month = reader.name(month_names);
  reader.expect("-");
  const unsigned two_digits = reader.number(2);
  reader.expect(" ");
  read_time(reader, parts);
  reader.expect(" GMT");
  if (!reader.ended()) return {};

  // The latest year of these two digits that is not more than 50 years ahead (RFC 9110 5.6.7).
  const auto today = std::chrono::floor<days>(now);
  const std::chrono::year_month_day date(today);
  const SystemSeconds latest =
      std::chrono::sys_days(date + std::chrono::years(50)) + (now - SystemSeconds(today));
  const int year = static_cast<int>(date.year());
  for (int century = year / 100 + 1; century >= 0 && century > year / 100 - 2; --century) {
    parts.year = static_cast<unsigned>(century) * 100 + two_digits;
    const std::optional<SystemSeconds> time = to_time(parts);
    if (time && *time <= latest) return time;
    // 29 February exists in some centuries only: such a date is none, rather than one long ago.
    if (!time && static_cast<int>(parts.year) <= year + 50) return {};
  }
  return {};
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<SystemSeconds> parse_asctime(std::string_view text) {
  Reader reader(text);
  Parts parts;
  (void)reader.name(day_names);
  reader.expect(" ");
  parts.month = reader.name(month_names);
  reader.expect(" ");
  if (reader.front() == ' ') {
    reader.expect(" ");
    parts.day = reader.number(1);
  } else {
    parts.day = reader.number(2);
  }
  reader.expect(" ");
  read_time(reader, parts);
  reader.expect(" ");
  parts.year = reader.number(4);
  return reader.ended() ? to_time(parts) : std::nullopt;
}

void append_digits(std::string& text, unsigned value, unsigned divisor) {
  for (; divisor != 0; divisor /= 10) text.push_back(static_cast<char>('0' + value / divisor % 10));
}

}  // namespace

std::optional<SystemSeconds> parse_date(std::string_view text, SystemSeconds now) {
  if (text.size() < 4) return {};
  if (text[3] == ',') return parse_imf_fixdate(text);
  if (text[3] == ' ') return parse_asctime(text);
  return parse_rfc850(text, now);
}

std::string format_date(SystemSeconds time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - SystemSeconds(day));
  const unsigned weekday = std::chrono::weekday(day).c_encoding();
  std::string text;
  text.reserve(29);
  text.append(day_names.substr(weekday * 3, 3)).append(", ");
  append_digits(text, static_cast<unsigned>(date.day()), 10);
  text.push_back(' ');
  text.append(month_names.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  text.push_back(' ');
  append_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 1000);
  text.push_back(' ');
  append_digits(text, static_cast<unsigned>(clock.hours().count()), 10);
  text.push_back(':');
  append_digits(text, static_cast<unsigned>(clock.minutes().count()), 10);
  text.push_back(':');
  append_digits(text, static_cast<unsigned>(clock.seconds().count()), 10);
  text.append(" GMT");
  return text;
}

}  // namespace larder::http
