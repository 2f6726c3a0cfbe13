// Nearest: the known word that a misspelt one was probably meant to be, for error messages.
//
// Owns the measure of likeness only; which words are known is the caller's. Header alone, since
// both policy's parsers and config's use it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace larder::policy {

/// How many letters must be changed, added, left out or swapped with their neighbour (restricted
/// Damerau-Levenshtein). Upper and lower case are alike, as are "-" and "_".
[[nodiscard]] inline std::size_t edit_distance(std::string_view left, std::string_view right) {
  const auto folded = [](char letter) {
    if (letter >= 'A' && letter <= 'Z') return static_cast<char>(letter - 'A' + 'a');
    return letter == '-' ? '_' : letter;
  };
  std::vector<std::size_t> before(right.size() + 1);
  std::vector<std::size_t> previous(right.size() + 1);
  std::vector<std::size_t> current(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column) previous[column] = column;
  for (std::size_t row = 1; row <= left.size(); ++row) {
    current[0] = row;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const bool same = folded(left[row - 1]) == folded(right[column - 1]);
      current[column] = std::min(
          {previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (same ? 0 : 1)});
      if (row > 1 && column > 1 && folded(left[row - 1]) == folded(right[column - 2]) &&
          folded(left[row - 2]) == folded(right[column - 1])) {
        current[column] = std::min(current[column], before[column - 2] + 1);
      }
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[right.size()];
}

/// The known word nearest to `word`; empty when none is near enough to be what was meant. A word
/// that starts with a known one, or is the start of one, is near too: "integer" for "int".
[[nodiscard]] inline std::string_view nearest(std::string_view word,
                                              const std::vector<std::string_view>& known) {
  constexpr std::size_t longest = 64;  // of a word worth comparing: keys are short
  if (word.empty() || word.size() > longest) return {};
  std::string_view best;
  // One letter in a short word, two in a longer one, three in a long one.
  std::size_t best_distance = word.size() <= 4 ? 2 : word.size() <= 8 ? 3 : 4;
  for (const std::string_view candidate : known) {
    const std::size_t shared = std::min(word.size(), candidate.size());
    std::size_t distance = edit_distance(word, candidate);
    if (shared >= 3 && word.substr(0, shared) == candidate.substr(0, shared)) {
      distance = std::min<std::size_t>(distance, 1);
    }
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

/// " (did you mean 'ttl'?)", or nothing when no known word is near.
[[nodiscard]] inline std::string suggest_nearest(std::string_view word,
                                                 const std::vector<std::string_view>& known) {
  const std::string_view found = nearest(word, known);
  return found.empty() ? std::string() : " (did you mean '" + std::string(found) + "'?)";
}

}  // namespace larder::policy
