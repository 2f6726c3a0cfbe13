// YAML source: the bytes of one rules file -> a tree of nodes that know their place.
//
// The only unit that includes yaml-cpp. It builds its own tree from the parser's events, since
// YAML::Node hides what must be reported here: keys given twice, how much an alias copies, and how
// deep a file nests. Environment variables are expanded in values, after parsing: they cannot add
// YAML.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/report.hpp"

namespace larder::config {

struct Entry;

struct Node {
  enum class Kind : unsigned char {
    null,
    scalar,
    list,
    map,
    broken,  ///< reported already; whoever meets it stays silent
  };
  Kind kind = Kind::null;
  Place place;
  std::string text;            ///< of a scalar, expanded
  bool verbatim = false;       ///< the file has `text` at `place`, byte for byte
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the file's order, repeated keys included

  /// The place of what stands `offset` bytes into the text; of its start where that cannot be told.
  [[nodiscard]] Place place_within(std::size_t offset) const;
};

struct Entry {
  Node key;  ///< a scalar
  Node value;
};

constexpr std::size_t file_size_limit = 1 << 20;
constexpr int nesting_limit = 32;
/// Bytes of a file's nodes once its aliases are copied.
constexpr std::size_t expanded_limit = 8 << 20;

/// Nothing when the text is not YAML, not UTF-8, empty, or beyond a limit; `report` then says
/// which.
[[nodiscard]] std::optional<Node> parse_yaml(std::string text, const Environment& environment,
                                             Report& report);

/// Likewise of a file; `report` also says when it cannot be read.
[[nodiscard]] std::optional<Node> read_yaml(const std::string& path, const Environment& environment,
                                            Report& report);

}  // namespace larder::config
