// Purge request: what POST /purge is told, as JSON. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "policy/purge.hpp"

namespace larder::ops {

struct PurgeRequest {
  policy::PurgeTarget target;
  bool is_dry_run = false;  ///< count, and evict nothing
  policy::PurgeStrength strength = policy::PurgeStrength::hard;
  bool operator==(const PurgeRequest&) const = default;
};

struct BadPurgeRequest {
  std::string why;
};

/// {"url" | "prefix" | "rule" | "tag": TEXT, or "all": true, "soft", "dry_run": BOOLEAN}. Exactly
/// one target; an unknown member is refused, so that a misspelt one does not purge too much.
[[nodiscard]] std::variant<PurgeRequest, BadPurgeRequest> parse_purge_request(
    std::string_view json);
/// The same, from the other side.
[[nodiscard]] std::string format_purge_request(const PurgeRequest& request);

}  // namespace larder::ops
