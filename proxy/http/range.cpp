#include "http/range.hpp"

#include <algorithm>
#include <limits>

#include "http/grammar.hpp"
#include "http/message.hpp"

namespace larder::http {
namespace {

/// 1*DIGIT, too large ones as the largest there is.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || !grammar::is_all(text, grammar::digit)) return {};
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (value > (largest - digit) / 10) return largest;
    value = value * 10 + digit;
  }
  return value;
}

/// int-range or suffix-range (RFC 9110 14.1.1); nothing for what is neither.
std::optional<RangeSpec> parse_spec(std::string_view text) {
  const std::size_t hyphen = text.find('-');
  if (hyphen == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, hyphen);
  const std::string_view behind = text.substr(hyphen + 1);
  RangeSpec spec{parse_position(before), parse_position(behind)};
  if (!spec.first && !before.empty()) return {};
  if (!spec.last && !behind.empty()) return {};
  if (!spec.first && !spec.last) return {};
  // RFC 9110 14.1.1: an int-range is invalid if its last-pos is less than its first-pos.
  if (spec.first && spec.last && *spec.last < *spec.first) return {};
  return spec;
}

/// Nothing when it lies behind the end, or is a suffix of no bytes (RFC 9110 14.1.2).
std::optional<ByteRange> resolve(const RangeSpec& spec, std::uint64_t length) {
  if (!spec.first) {
    const std::uint64_t size = std::min(*spec.last, length);
    if (size == 0) return {};
    return ByteRange{length - size, length - 1};
  }
  if (*spec.first >= length) return {};
  return ByteRange{*spec.first, std::min(spec.last.value_or(length - 1), length - 1)};
}

bool any_overlap(ByteRanges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
  return std::adjacent_find(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) {
           return b.first <= a.last;
         }) != ranges.end();
}

}  // namespace

std::optional<RangeSet> parse_ranges(std::string_view value) {
  const std::size_t equals = value.find('=');
  // RFC 9110 14.1: range unit names are case-insensitive; 14.2: an unknown unit is ignored.
  if (equals == std::string_view::npos || !equals_ignoring_case(value.substr(0, equals), "bytes"))
    return {};
  RangeSet set;
  std::string_view rest = value.substr(equals + 1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view member = grammar::trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (member.empty()) continue;  // RFC 9110 5.6.1.2
    const std::optional<RangeSpec> spec = parse_spec(member);
    if (!spec || set.size() == maximum_ranges) return {};
    set.push_back(*spec);
  }
  if (set.empty()) return {};
  return set;
}

ResolvedRanges resolve_ranges(const RangeSet& set, std::uint64_t length) {
  ByteRanges ranges;
  bool asks_suffix_of_nothing = false;
  for (const RangeSpec& spec : set) {
    if (const std::optional<ByteRange> range = resolve(spec, length)) ranges.push_back(*range);
    // RFC 9110 14.1.2: satisfiable, though there is no byte to name.
    asks_suffix_of_nothing =
        asks_suffix_of_nothing || (length == 0 && !spec.first && *spec.last > 0);
  }
  if (asks_suffix_of_nothing || any_overlap(ranges)) return IgnoreRanges{};
  if (ranges.empty()) return Unsatisfiable{};
  return ranges;
}

}  // namespace larder::http
