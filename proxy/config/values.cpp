#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace larder::config {
namespace {

constexpr bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
constexpr bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

/// Takes the digits at the front; nothing when there are none or they are too large.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.empty() || !is_digit(text.front())) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string_view take_letters(std::string_view& text) {
  const auto* end =
      std::find_if(text.begin(), text.end(), [](char letter) { return !is_letter(letter); });
  const std::string_view letters = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(letters.size());
  return letters;
}

struct DurationUnit {
  std::string_view name;
  std::uint64_t milliseconds;
};
// From large to small, as they are written in a sum.
constexpr std::array<DurationUnit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::uint64_t longest_duration = 3'653ULL * 86'400'000;

constexpr std::uint64_t largest_size = 1ULL << 50;

Refused refuse_duration(std::string_view text) {
  return {quote(text) + " is no duration; write 250ms, 30s, 5m, 1h, 1d or a sum such as 1h30m"};
}

Refused refuse_size(std::string_view text) {
  return {quote(text) + " is no size; write bytes or 512KiB, 64MiB, 1GiB"};
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return is_letter(letter) || is_digit(letter) ||
           std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
  });
}

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string shown = "'";
  const std::size_t scheme = text.find("://");
  const std::size_t at_sign = text.rfind('@');
  if (scheme != std::string_view::npos && at_sign != std::string_view::npos && at_sign > scheme) {
    shown += text.substr(0, scheme + 3);
    shown += "…";
    text.remove_prefix(at_sign);
  }
  for (const char letter : text) {
    // Not within a UTF-8 sequence.
    if (shown.size() > longest && (static_cast<unsigned char>(letter) & 0xC0) != 0x80) {
      return shown + "…'";
    }
    const auto byte = static_cast<unsigned char>(letter);
    shown += byte < 0x20 || byte == 0x7f ? '?' : letter;
  }
  return shown + "'";
}

Parsed<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  do {
    const std::optional<std::uint64_t> number = take_number(rest);
    if (!number) return refuse_duration(text);
    const std::string_view name = take_letters(rest);
    if (name.empty() && rest.empty() && next_unit == 0) {
      return Refused{quote(text) + " has no unit; write " + std::string(text) +
                     "s for seconds, or 5m, 1h, 1d"};
    }
    const auto* unit = std::find_if(duration_units.begin(), duration_units.end(),
                                    [name](const DurationUnit& one) { return one.name == name; });
    if (unit == duration_units.end()) return refuse_duration(text);
    const auto index = static_cast<std::size_t>(unit - duration_units.begin());
    if (index < next_unit) {
      return Refused{quote(text) + " mixes its units; write them once each, from large to small"};
    }
    next_unit = index + 1;
    if (*number > longest_duration / unit->milliseconds) total = longest_duration + 1;
    if (total <= longest_duration) total += *number * unit->milliseconds;
  } while (!rest.empty());
  if (total > longest_duration) return Refused{quote(text) + " is longer than ten years"};
  return milliseconds(static_cast<milliseconds::rep>(total));
}

std::string format_duration(milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0";
  for (const DurationUnit& unit : duration_units) {
    if (count % unit.milliseconds == 0) {
      return std::to_string(count / unit.milliseconds) + std::string(unit.name);
    }
  }
  return std::to_string(count) + "ms";
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::optional<std::uint64_t> number = take_number(rest);
  if (!number) return refuse_size(text);
  std::string unit = to_lower(rest);
  const bool is_long = unit.size() == 3 && unit.ends_with("ib");
  if (is_long || (unit.size() == 2 && unit.ends_with("b"))) unit.resize(1);
  constexpr std::string_view units = "bkmgt";
  const std::size_t power = unit.empty() ? 0 : units.find(unit);
  const bool is_unit = unit.size() <= 1 && power != std::string_view::npos;
  if (!is_unit || (power == 0 && rest.size() > 1)) return refuse_size(text);
  const unsigned shift = 10 * static_cast<unsigned>(power);
  if (*number > largest_size >> shift) return Refused{quote(text) + " is larger than 1024 TiB"};
  return *number << shift;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(units[unit]);
}

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t lowest,
                                   std::uint64_t highest) {
  std::string_view rest = text;
  const std::optional<std::uint64_t> number = take_number(rest);
  if (!number || !rest.empty() || *number < lowest || *number > highest) {
    return Refused{quote(text) + " is no whole number from " + std::to_string(lowest) + " to " +
                   std::to_string(highest)};
  }
  return *number;
}

Parsed<bool> parse_boolean(std::string_view text) {
  const std::string word = to_lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return Refused{quote(text) + " is neither true nor false"};
}

namespace {
constexpr std::uint64_t million = 1'000'000;
}

Parsed<std::uint64_t> parse_percentage(std::string_view text) {
  const Refused wrong{quote(text) + " is no percentage; write one from 0% to 100%, such as 10%"};
  if (!text.ends_with('%')) return wrong;
  text.remove_suffix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  std::string decimals(text.substr(std::min(point + 1, text.size())));
  const bool is_well_formed = !digits.empty() && digits.size() <= 3 && decimals.size() <= 4 &&
                              (point == text.size() || !decimals.empty());
  decimals.resize(4, '0');
  digits += decimals;
  const bool is_number = digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_well_formed || !is_number) return wrong;
  const std::uint64_t of_a_million = std::stoull(digits);
  if (of_a_million > million) return wrong;
  return of_a_million;
}

std::string format_percentage(unsigned of_a_million) {
  std::string decimals = std::to_string(million + of_a_million % 10'000).substr(3);
  while (decimals.ends_with('0')) decimals.pop_back();
  return std::to_string(of_a_million / 10'000) + (decimals.empty() ? "" : "." + decimals) + "%";
}

Parsed<std::string> parse_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool has_slash = slash != std::string_view::npos;
  if (!has_slash || !is_token(text.substr(0, slash)) || !is_token(text.substr(slash + 1)) ||
      text.find('*') != std::string_view::npos) {
    return Refused{quote(text) +
                   " is no media type; write type/subtype, such as application/json, without "
                   "parameters and wildcards"};
  }
  return to_lower(text);
}

Parsed<std::string> parse_language_tag(std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  constexpr std::size_t longest_subtag = 8;
  bool is_tag = true;
  for (std::string_view rest = text; is_tag;) {
    const std::string_view subtag = rest.substr(0, rest.find('-'));
    is_tag = !subtag.empty() && subtag.size() <= longest_subtag &&
             std::all_of(subtag.begin(), subtag.end(), is_alphanumeric);
    if (subtag.size() == rest.size()) break;
    rest.remove_prefix(subtag.size() + 1);
  }
  if (!is_tag) {
    return Refused{quote(text) +
                   " is no language tag; write a language such as de, or with its region, pt-BR"};
  }
  return to_lower(text);
}

}  // namespace larder::config
