// Path inference: the patterns that a team's urls.py may have, from the paths that were asked for.
//
// Numbers and UUIDs are converters; other segments are literal until so many different ones stand
// in one place that they must be values: names of objects, not of views. That errs towards
// literals, since a pattern that is too wide takes in views nobody has seen.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::policy {

struct InferredPattern {
  std::string text;                ///< "/api/items/<int:pk>/"
  std::vector<std::size_t> paths;  ///< that it was made from, by their index
  bool is_widened = false;         ///< different literals were taken for values
  bool is_writable = true;  ///< false: it has characters that a rules file would have to decode
};

/// Each path is of one pattern. Narrower ones come first, so that the list may be a rules file.
[[nodiscard]] std::vector<InferredPattern> infer_patterns(std::span<const std::string_view> paths);

/// Different literals in one place that are values: below a path that is there itself, as a
/// collection is above its objects, and otherwise.
inline constexpr std::size_t most_views_of_collection = 16;
inline constexpr std::size_t most_views = 100;

}  // namespace larder::policy
