#include "http/accept.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "http/grammar.hpp"
#include "http/weighted_list.hpp"

namespace larder::http {
namespace {

/// A media range with its weight; RFC 9110 12.5.1.
struct MediaRange {
  std::string type;  ///< lower case; "*" for any
  std::string subtype;
  std::string parameters;  ///< ";a=b" as in canonical(), without the weight
  int weight = full_weight;
};

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

/// Reads a value already in its canonical form; nothing once the grammar is broken.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::vector<MediaRange>> ranges() {
    std::vector<MediaRange> result;
    while (!text_.empty()) {
      if (take(',')) continue;  // empty members are to be ignored (RFC 9110 5.6.1.2)
      std::optional<MediaRange> range = this->range();
      if (!range) return {};
      result.push_back(std::move(*range));
      if (!text_.empty() && text_.front() != ',') return {};
    }
    return result;
  }

  std::optional<MediaRange> range() {
    MediaRange range;
    range.type = token();
    if (range.type.empty() || !take('/')) return {};
    range.subtype = token();
    if (range.subtype.empty() || (range.type == "*" && range.subtype != "*")) return {};
    bool weight_seen = false;
    while (take(';')) {
      if (text_.empty() || text_.front() == ';' || text_.front() == ',') continue;
      const std::string_view start = text_;
      const std::string_view name = token();
      if (name.empty()) return {};
      const bool has_value = take('=');
      if (name == "q" && !weight_seen) {
        const std::optional<int> weight = has_value ? parse_qvalue(token()) : std::nullopt;
        if (!weight) return {};
        range.weight = *weight;
        weight_seen = true;
        continue;
      }
      // Behind the weight stood extensions once (RFC 7231 5.3.2), which need no value.
      if (has_value ? !value() : !weight_seen) return {};
      if (!weight_seen)
        range.parameters.append(";").append(start.substr(0, start.size() - text_.size()));
    }
    return range;
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    std::size_t size = 0;
    while (size < text_.size() && grammar::is(text_[size], grammar::token)) ++size;
    const std::string_view result = text_.substr(0, size);
    text_.remove_prefix(size);
    return result;
  }
  bool value() {
    if (!take('"')) return !token().empty();
    while (!text_.empty()) {
      if (take('"')) return true;
      text_.remove_prefix(text_.front() == '\\' && text_.size() > 1 ? 2 : 1);
    }
    return false;
  }

  std::string_view text_;
};

/// How closely a range names a type: 0 by "*/*", 1 by "type/*", 2 by the type, 3 also by its
/// parameters; -1 not at all.
int specificity(const MediaRange& range, const MediaRange& type) {
  if (range.type == "*") return 0;
  if (range.type != type.type) return -1;
  if (range.subtype == "*") return 1;
  if (range.subtype != type.subtype) return -1;
  if (range.parameters.empty()) return 2;
  return range.parameters == type.parameters ? 3 : -1;
}

/// What the ranges say about one offered type.
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

/// The most specific range decides, the first of equally specific ones.
Match match(const MediaRange& type, const std::vector<MediaRange>& ranges) {
  Match found;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const int closeness = specificity(ranges[i], type);
    if (closeness > found.specificity) found = {ranges[i].weight, closeness, i};
  }
  return found;
}

bool accepts_anything(const std::vector<MediaRange>& ranges) {
  return std::all_of(ranges.begin(), ranges.end(),
                     [](const MediaRange& range) { return range.type == "*" && range.weight > 0; });
}

}  // namespace

std::string normalise_accept(std::string_view value, std::span<const std::string> offered) {
  std::string text = canonical(value);
  const std::optional<std::vector<MediaRange>> ranges = Reader(text).ranges();
  if (!ranges) return "=" + text;
  if (accepts_anything(*ranges)) return "*/*";

  const std::string* best_type = nullptr;
  Match best;
  bool all_by_wildcard = true;
  for (const std::string& type : offered) {
    const std::string canonical_type = canonical(type);
    const std::optional<MediaRange> parsed = Reader(canonical_type).range();
    if (!parsed) continue;
    const Match found = match(*parsed, *ranges);
    all_by_wildcard = all_by_wildcard && found.specificity == 0;
    if (found.weight > 0 && (best_type == nullptr || found.is_before(best))) {
      best_type = &type;
      best = found;
    }
  }
  if (best_type == nullptr) return "=" + text;
  return all_by_wildcard ? "*/*" : *best_type;
}

}  // namespace larder::http
