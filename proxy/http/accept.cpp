#include "http/accept.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/container/small_vector.hpp>

#include "http/grammar.hpp"
#include "http/message.hpp"
#include "http/weighted_list.hpp"

namespace larder::http {
namespace {

/// A media range with its weight, as sent; RFC 9110 12.5.1.
struct MediaRange {
  std::string_view type;  ///< "*" for any
  std::string_view subtype;
  std::string_view parameters;  ///< from the first ";" on; what stands before the weight
  int weight = full_weight;
};

constexpr bool is_star(std::string_view text) {
  return text.size() == 1 && text.front() == '*';
}

/// Lower case and without whitespace around "," and ";", both outside of quoted strings only: two
/// values that become equal mean the same. One space stays where a malformed value has some
/// elsewhere.
std::string canonical(std::string_view text) {
  std::string result;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      result.push_back(c);
      if (c == '\\' && i + 1 < text.size())
        result.push_back(text[++i]);
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (grammar::is_whitespace(c)) {
      if (!result.empty() && result.back() != ',' && result.back() != ';' && result.back() != ' ')
        result.push_back(' ');
      continue;
    }
    if ((c == ',' || c == ';') && !result.empty() && result.back() == ' ') result.pop_back();
    quoted = c == '"';
    result.push_back(grammar::to_lower(c));
  }
  if (!quoted && !result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

/// The parameters of a range as OfferedTypes has them: canonical, and none of them empty.
std::string canonical_parameters(std::string_view sent) {
  std::string result;
  bool quoted = false;
  const std::string text = canonical(sent);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!quoted && c == ';' && (i + 1 == text.size() || text[i + 1] == ';')) continue;
    result.push_back(c);
    if (quoted && c == '\\' && i + 1 < text.size()) {
      result.push_back(text[++i]);
    } else if (c == '"') {
      quoted = !quoted;
    }
  }
  return result;
}

/// Reads a value where it lies. Whitespace counts as canonical() has it: it may stand around ","
/// and
/// ";" alone.
class Reader {
 public:
  explicit Reader(std::string_view text) : Reader(grammar::trim(text), Trimmed()) {}

  /// Gives each range to `take`, in order. False once the grammar is broken.
  template <typename Take>
  bool ranges(Take take) {
    while (at_ != end_) {
      if (take_separator(',')) continue;  // empty members are to be ignored (RFC 9110 5.6.1.2)
      MediaRange range;
      if (!read(range)) return false;
      take(range);
      if (at_ != end_ && *at_ != ',') return false;
    }
    return true;
  }

  /// Ends at "," or at the end when true.
  bool read(MediaRange& range) {
    range.type = token();
    if (range.type.empty() || !take('/')) return false;
    range.subtype = token();
    if (range.subtype.empty() || (is_star(range.type) && !is_star(range.subtype))) return false;
    skip_whitespace();
    return at_ == end_ || *at_ != ';' || read_parameters(range);
  }

 private:
  struct Trimmed {};
  Reader(std::string_view text, Trimmed) : at_(text.data()), end_(text.data() + text.size()) {}

  bool read_parameters(MediaRange& range) {
    const char* const parameters = at_;
    const char* parameters_end = parameters;
    bool weight_seen = false;
    while (take_separator(';')) {
      if (at_ == end_ || *at_ == ';' || *at_ == ',') continue;
      const std::string_view name = token();
      if (name.empty()) return false;
      const bool has_value = take('=');
      if (!weight_seen && (name == "q" || name == "Q")) {
        const std::optional<int> weight = has_value ? parse_qvalue(token()) : std::nullopt;
        if (!weight) return false;
        range.weight = *weight;
        weight_seen = true;
      } else {
        // Behind the weight stood extensions once (RFC 7231 5.3.2), which need no value.
        if (has_value ? !value() : !weight_seen) return false;
        if (!weight_seen) parameters_end = at_;
      }
      skip_whitespace();
    }
    range.parameters = {parameters, static_cast<std::size_t>(parameters_end - parameters)};
    return true;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_whitespace() {
    while (at_ != end_ && grammar::is_whitespace(*at_)) ++at_;
  }
  /// And the whitespace behind it; that before it has been skipped.
  bool take_separator(char c) {
    if (!take(c)) return false;
    skip_whitespace();
    return true;
  }
  std::string_view token() {
    const char* const start = at_;
    const char* at = at_;
    while (at != end_ && grammar::is(*at, grammar::token)) ++at;
    at_ = at;
    return {start, static_cast<std::size_t>(at - start)};
  }
  bool value() {
    if (!take('"')) return !token().empty();
    while (at_ != end_) {
      if (take('"')) return true;
      at_ += *at_ == '\\' && end_ - at_ > 1 ? 2 : 1;
    }
    return false;
  }

  const char* at_;
  const char* end_;
};

/// How closely a range names a type: 0 by "*/*", 1 by "type/*", 2 by the type, 3 also by its
/// parameters; -1 not at all.
int specificity(const MediaRange& range, const OfferedTypes::Type& type) {
  if (is_star(range.type)) return 0;
  const std::string_view name = type.name;
  if (range.type.size() != type.slash ||
      !equals_ignoring_case(range.type, name.substr(0, type.slash)))
    return -1;
  if (is_star(range.subtype)) return 1;
  if (!equals_ignoring_case(range.subtype, name.substr(type.slash + 1))) return -1;
  if (range.parameters.empty()) return 2;
  return canonical_parameters(range.parameters) == type.parameters ? 3 : -1;
}

/// What the ranges say about one offered type: the most specific one decides, the first of equally
/// specific ones.
struct Match {
  int weight = 0;
  int specificity = -1;
  std::size_t range = 0;  ///< place of the range in the client's order

  [[nodiscard]] bool is_before(const Match& other) const {
    if (weight != other.weight) return weight > other.weight;
    if (specificity != other.specificity) return specificity > other.specificity;
    return range < other.range;
  }
};

}  // namespace

OfferedTypes::OfferedTypes(std::span<const std::string> types) {
  Types all;
  for (const std::string& text : types) {
    const std::string lower = canonical(text);
    MediaRange range;
    if (!Reader(lower).read(range)) continue;
    Type& type = all.emplace_back();
    type.text = text;
    type.name.append(range.type).append("/").append(range.subtype);
    type.slash = range.type.size();
    type.parameters = canonical_parameters(range.parameters);
  }
  types_ = std::make_shared<const Types>(std::move(all));
}

std::string_view normalise_accept(std::string_view value, const OfferedTypes& offered,
                                  std::string& room) {
  static constexpr std::string_view anything = "*/*";
  const OfferedTypes::Types& types = *offered.types();
  boost::container::small_vector<Match, 8> matches(types.size());
  bool accepts_anything = true;
  std::size_t place = 0;
  const bool is_understood = Reader(value).ranges([&](const MediaRange& range) {
    accepts_anything = accepts_anything && is_star(range.type) && range.weight > 0;
    for (std::size_t i = 0; i < types.size(); ++i) {
      const int closeness = specificity(range, types[i]);
      if (closeness > matches[i].specificity) matches[i] = {range.weight, closeness, place};
    }
    ++place;
  });
  if (is_understood && accepts_anything) return anything;

  const Match* best = nullptr;
  for (const Match& match : matches) {
    if (match.weight > 0 && (!best || match.is_before(*best))) best = &match;
  }
  if (!is_understood || !best) {
    room = "=" + canonical(value);
    return room;
  }
  const bool all_by_wildcard = std::all_of(
      matches.begin(), matches.end(), [](const Match& match) { return match.specificity == 0; });
  return all_by_wildcard ? anything : types[static_cast<std::size_t>(best - matches.data())].text;
}

std::string_view AcceptMemory::normalise(std::string_view value, const OfferedTypes& offered,
                                         std::string& room) {
  if (value.size() < sizeof(std::uint64_t) || value.size() > longest_value)
    return normalise_accept(value, offered, room);
  // Browsers' values differ in length, and else in how they begin or end.
  const std::uint64_t ends = grammar::load8(value.data()) ^
                             grammar::load8(value.data() + value.size() - sizeof(std::uint64_t));
  Place& place = places_[((ends * 0x9e37'79b9'7f4a'7c15U >> 32) + value.size()) % places];
  if (place.types == offered.types() && place.value == value) return place.normal;
  const std::string_view normal = normalise_accept(value, offered, room);
  if (normal.starts_with('=')) return normal;  // whoever sends such has many
  place = {offered.types(), std::string(value), normal};
  return normal;
}

}  // namespace larder::http
