#include "policy/mismatch.hpp"

#include <vector>

namespace larder::policy {
namespace {

/// A pattern's segments: pieces between two "/", the last one with all that follows a <path:>.
struct PatternSegment {
  PathPattern pattern;  ///< of the segment alone; `text` as one would write it
  bool is_open_ended = false;
};

std::string_view word_of(Converter converter) {
  switch (converter) {
    case Converter::integer:
      return "int";
    case Converter::slug:
      return "slug";
    case Converter::uuid:
      return "uuid";
    case Converter::str:
      return "str";
    case Converter::path:
      return "path";
  }
  return {};
}

std::vector<PatternSegment> segments_of(const PathPattern& pattern) {
  std::vector<PatternSegment> segments(1);
  for (const PatternPiece& piece : pattern.pieces) {
    PathPattern* now = &segments.back().pattern;
    if (!piece.name.empty()) {
      now->pieces.push_back(piece);
      now->text.append("<").append(word_of(piece.converter)).append(":").append(piece.name) += '>';
      if (piece.converter == Converter::path) segments.back().is_open_ended = true;
      continue;
    }
    std::string_view rest = piece.literal;
    while (!rest.empty()) {
      const std::size_t slash = segments.back().is_open_ended ? rest.npos : rest.find('/');
      const std::string_view text = rest.substr(0, slash);
      if (!text.empty()) now->pieces.push_back({std::string(text), Converter::str, {}});
      now->text += text;
      if (slash == rest.npos) break;
      rest.remove_prefix(slash + 1);
      segments.emplace_back();
      now = &segments.back().pattern;
    }
  }
  return segments;
}

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string describe_segment(const PatternSegment& wanted, std::string_view found) {
  const std::vector<PatternPiece>& pieces = wanted.pattern.pieces;
  const bool is_converter = pieces.size() == 1 && !pieces.front().name.empty();
  if (is_converter) return in_quotes(found) + " is no " + wanted.pattern.text;
  return in_quotes(found) + " is not " + in_quotes(wanted.pattern.text);
}

}  // namespace

std::string describe_mismatch(const PathPattern& pattern, std::string_view path) {
  if (pattern.matches(path)) return {};
  // The first segment of either, before the first "/", is empty; so the next has the number 1.
  const std::vector<PatternSegment> segments = segments_of(pattern);
  std::string_view rest = path;
  for (std::size_t number = 0; number < segments.size(); ++number) {
    const PatternSegment& wanted = segments[number];
    const bool is_last_wanted = number + 1 == segments.size();
    const std::size_t slash = wanted.is_open_ended ? rest.npos : rest.find('/');
    const std::string_view found = rest.substr(0, slash);
    const bool is_last_found = slash == rest.npos;
    const std::string at = "path differs at segment " + std::to_string(number) + ": ";
    const bool wants_nothing = wanted.pattern.pieces.empty();
    if (wants_nothing && !found.empty())
      return "path goes on at segment " + std::to_string(number) + ": " + in_quotes(rest);
    if (!wants_nothing && found.empty())
      return "path ends before segment " + std::to_string(number) + ", " + wanted.pattern.text;
    if (!wants_nothing && !wanted.pattern.matches(found))
      return at + describe_segment(wanted, found);
    if (is_last_found && is_last_wanted) break;
    if (is_last_wanted) {
      rest.remove_prefix(slash + 1);
      return rest.empty()
                 ? "path has a final '/', the rule's has none"
                 : "path goes on at segment " + std::to_string(number + 1) + ": " + in_quotes(rest);
    }
    if (is_last_found) {
      const PatternSegment& next = segments[number + 1];
      return next.pattern.pieces.empty()
                 ? std::string("path has no final '/', the rule's has one")
                 : "path ends before segment " + std::to_string(number + 1) + ", " +
                       next.pattern.text;
    }
    rest.remove_prefix(slash + 1);
  }
  return "path differs";
}

}  // namespace larder::policy
