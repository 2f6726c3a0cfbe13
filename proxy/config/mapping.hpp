// Mapping: walks a node against the keys known there, so that every place in a file is as strict.
//
// Keys given twice and unknown ones (with the nearest known) are reported here; what a value means
// is its reader's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_source.hpp"

namespace larder::config {

/// A word that stands in the wrong place, and where it belongs.
struct Stray {
  std::string_view word;
  std::string_view advice;
};

struct Vocabulary {
  std::string_view owner;               ///< "a rule", for messages
  std::vector<std::string_view> known;  ///< keys that may stand there
  std::vector<Stray> strays;
};

/// The entries of `map` whose key is known, each once. The nodes live as long as `map`.
[[nodiscard]] std::vector<const Entry*> read_mapping(const Node& map, const Vocabulary& vocabulary,
                                                     Report& report);

/// The node's items when it is a list, else the node itself: a single value is a list of one.
/// Nothing in it is null or broken: that is reported, as `owner`'s.
[[nodiscard]] std::vector<const Node*> read_list(const Node& node, std::string_view owner,
                                                 Report& report);

/// The node's text; null when it is anything else, which is reported as "`owner`: expected `what`".
[[nodiscard]] const std::string* read_text(const Node& node, std::string_view owner,
                                           std::string_view what, Report& report);

/// "a, b and c"
[[nodiscard]] std::string join_words(const std::vector<std::string_view>& words);

}  // namespace larder::config
