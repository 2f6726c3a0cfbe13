// Path pattern: Django's path syntax as rules write it, matched against a normalised path.
//
// Literals and converters (<int:pk>, <slug:..>, <uuid:..>, <str:..>, <path:..>, <name> meaning str)
// mean what django.urls.converters says. Several converters may stand in one segment, as in Django.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/container/small_vector.hpp>

namespace larder::policy {

enum class Converter : std::uint8_t { integer, slug, uuid, str, path };

/// A piece of a pattern: literal text in the normal form of http/target, or a converter with its
/// name.
struct PatternPiece {
  std::string literal;  ///< empty for a converter
  Converter converter = Converter::str;
  std::string name;  ///< of a converter; empty for a literal
  bool operator==(const PatternPiece&) const = default;
};

/// Values of a match by converter name, as views into the path that was matched. Most have one or
/// two.
using PathParameters =
    boost::container::small_vector<std::pair<std::string_view, std::string_view>, 4>;

struct PathPattern {
  std::string text;  ///< as written
  std::vector<PatternPiece> pieces;

  /// Does the whole of `path` match? `parameters` are empty when it does not.
  [[nodiscard]] bool matches(std::string_view path, PathParameters& parameters) const;
  [[nodiscard]] bool matches(std::string_view path) const;
  /// Is `path` what the pattern names, or below it by whole segments, as include() would have it?
  /// With and without a final slash alike.
  [[nodiscard]] bool covers(std::string_view path) const;
  /// May something this pattern matches be `path`, lie above it, or (when `below`) below it? May
  /// answer yes too often, never no wrongly. Used to leave Redis alone for writes that concern no
  /// rule.
  [[nodiscard]] bool may_concern(std::string_view path, bool below) const;
  [[nodiscard]] bool has_parameters() const;
};

struct PatternError {
  std::size_t offset = 0;  ///< into the text
  std::string message;     ///< "unknown converter 'integer' (did you mean 'int'?)"
};

[[nodiscard]] std::variant<PathPattern, PatternError> parse_path_pattern(std::string_view text);

}  // namespace larder::policy
