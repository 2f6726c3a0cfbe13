#include "policy/route.hpp"

namespace larder::policy {

RouteMatch Routes::match(std::string_view path) const {
  RouteMatch match;
  for (const RouteRule& rule : rules) {
    for (const PathPattern& pattern : rule.paths) {
      // A pattern begins with a literal, so most are turned down by one comparison.
      if (!path.starts_with(pattern.pieces.front().literal)) continue;
      if (!pattern.matches(path, match.parameters)) continue;
      match.rule = &rule;
      return match;
    }
  }
  return match;
}

}  // namespace larder::policy
