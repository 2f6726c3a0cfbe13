#include "http/accept_language.hpp"

#include <algorithm>
#include <iterator>

#include <boost/container/small_vector.hpp>

#include "http/grammar.hpp"
#include "http/message.hpp"
#include "http/weighted_list.hpp"

namespace larder::http {
namespace {

struct LanguageRange {
  std::string_view text;
  int weight = full_weight;
};
using Ranges = boost::container::small_vector<LanguageRange, 8>;

bool is_of_range(char c) {
  const char lower = grammar::to_lower(c);
  return (lower >= 'a' && lower <= 'z') || grammar::is(c, grammar::digit) || c == '-' || c == '*';
}

/// By weight; those of one weight in the client's order. False: that is no Accept-Language.
bool parse_ranges(std::string_view value, Ranges& ranges) {
  const bool parsed = for_each_member(value, [&](std::string_view member) {
    const auto* const end = std::find_if_not(member.begin(), member.end(), is_of_range);
    const auto size = static_cast<std::size_t>(end - member.begin());
    const std::optional<int> weight = parse_weight(member.substr(size));
    if (size == 0 || !weight) return false;
    ranges.push_back({member.substr(0, size), *weight});
    return true;
  });
  if (!parsed) return false;
  const auto goes_before = [](const LanguageRange& a, const LanguageRange& b) {
    return a.weight > b.weight;
  };
  // Nearly every client sends them so; a stable sort takes memory even where there is nothing to
  // do.
  if (!std::is_sorted(ranges.begin(), ranges.end(), goes_before))
    std::stable_sort(ranges.begin(), ranges.end(), goes_before);
  return true;
}

/// RFC 4647 3.4: without its last subtag, and without a single letter that would then end it.
std::string_view shortened(std::string_view range) {
  const auto without_last = [](std::string_view text) {
    const std::size_t end = text.rfind('-');
    return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
  };
  range = without_last(range);
  const std::size_t last = range.rfind('-');
  if (last != std::string_view::npos && last + 2 == range.size()) range = without_last(range);
  return range;
}

std::string_view primary_language(std::string_view tag) {
  return tag.substr(0, tag.find('-'));
}

/// Does the client say of this very tag that it does not want it?
bool is_refused(std::string_view tag, const Ranges& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const LanguageRange& range) {
    return range.weight == 0 && equals_ignoring_case(range.text, tag);
  });
}

/// Null: the range names none of them, or such as are refused.
const std::string* look_up(std::string_view range, std::span<const std::string> offered,
                           const Ranges& ranges) {
  const auto first = [&](const auto& fits) {
    const auto found = std::find_if(offered.begin(), offered.end(), [&](const std::string& one) {
      return fits(one) && !is_refused(one, ranges);
    });
    return found == offered.end() ? nullptr : &*found;
  };
  for (std::string_view tag = range; !tag.empty(); tag = shortened(tag)) {
    const std::string* const same =
        first([&](const std::string& one) { return equals_ignoring_case(one, tag); });
    if (same) return same;
  }
  return first([&](const std::string& one) {
    return equals_ignoring_case(primary_language(one), primary_language(range));
  });
}

void append_ranges(const Ranges& ranges, std::string& text) {
  for (const LanguageRange& range : ranges) {
    if (!text.empty()) text += ',';
    std::transform(range.text.begin(), range.text.end(), std::back_inserter(text),
                   grammar::to_lower);
    if (range.weight == full_weight) continue;
    std::string digits = std::to_string(full_weight + range.weight).substr(1);
    while (digits.ends_with('0')) digits.pop_back();
    text += digits.empty() ? ";q=0" : ";q=0." + digits;
  }
}

}  // namespace

std::optional<std::string_view> normalise_accept_language(std::string_view value,
                                                          std::span<const std::string> offered,
                                                          std::string& room) {
  // Filled in place: g++ 12 takes moving it, under ThreadSanitizer, for a read past its end.
  Ranges ranges;
  const bool parsed = parse_ranges(value, ranges);
  if (offered.empty()) {
    if (!parsed) return value;
    if (ranges.empty()) return {};
    room.clear();
    append_ranges(ranges, room);
    return room;
  }
  if (!parsed) return {};
  for (const LanguageRange& range : ranges) {
    if (range.weight == 0 || range.text == "*") break;
    const std::string* const found = look_up(range.text, offered, ranges);
    if (found) return *found;
  }
  return {};
}

}  // namespace larder::http
