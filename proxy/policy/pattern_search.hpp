// Pattern search: a path that some patterns match and others do not, or the certainty that there is
// none.
//
// Django's converters are regular languages, so inclusion and overlap of patterns can be decided:
// all paths in the normal form of http/target are walked at once, with the places that each pattern
// may be at after each character. For people who write rules, never for requests: see
// policy/route_index for those.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/path_pattern.hpp"

namespace larder::policy {

struct PathSearch {
  enum class Result : std::uint8_t {
    found,    ///< `path` is an example, one of the shortest
    none,     ///< no path does
    unknown,  ///< more had to be looked at than the bound allows
  };
  Result result = Result::none;
  std::string path;
};

/// A path that each of `matched` matches, and none of `unmatched` does. `matched` is not empty.
[[nodiscard]] PathSearch find_path(const std::vector<const PathPattern*>& matched,
                                   const std::vector<const PathPattern*>& unmatched);

/// Is every path that `narrow` matches matched by `wide`? No also where it cannot be told.
[[nodiscard]] bool includes(const PathPattern& wide, const PathPattern& narrow);

}  // namespace larder::policy
