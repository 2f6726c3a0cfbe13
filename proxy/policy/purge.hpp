// Purge: which tags an operator's word comes to. What evicts them: store/store.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "policy/route.hpp"
#include "policy/tags.hpp"

namespace larder::policy {

enum class PurgeKind : std::uint8_t {
  url,         ///< a resource: a path, or a URL whose host and query do not count
  prefix,      ///< a path and all that lies below it, by whole segments
  rule,        ///< all that is stored under a rule in force, by its name
  tag,         ///< what a rule's `tags`, Surrogate-Key or Cache-Tag name so
  everything,  ///< all that is stored
};

struct PurgeTarget {
  PurgeKind kind = PurgeKind::everything;
  std::string text{};
  bool operator==(const PurgeTarget&) const = default;
};

struct PurgeRefused {
  std::string why;
};

enum class PurgeStrength : std::uint8_t {
  hard,  ///< gone: nobody gets it any more
  soft,  ///< stale: served while it is validated, or while the origin is away
};

/// Never without tags, but for a soft purge of everything where there are no rules. Every variant,
/// user and host that a resource is stored for goes.
[[nodiscard]] std::variant<Tags, PurgeRefused> tags_of_purge(const PurgeTarget& target,
                                                             PurgeStrength strength,
                                                             const Routes& routes);

}  // namespace larder::policy
