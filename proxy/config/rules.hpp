// Rules: one entry of a file's `rules:` -> RouteRule, and what must hold within it and among them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/jwt.hpp"
#include "config/report.hpp"
#include "config/yaml_source.hpp"
#include "policy/route.hpp"

namespace larder::config {

/// A rule as read, with the places its checks point to.
struct ReadRule {
  policy::RouteRule rule;
  std::string file;
  Place place;                     ///< of the rule
  Place name_place;                ///< of `name`
  std::vector<Place> path_places;  ///< of each path
  Place ttl_place;                 ///< of `ttl`
  Place share_place;               ///< of `share`
  Place written_by_place;          ///< of `written_by`
  Place tags_place;                ///< of `tags`
  bool has_name = false;
};

/// Nothing when the entry has no usable path, ttl, key, ...; `report` then says why.
[[nodiscard]] std::optional<ReadRule> read_rule(const Node& node, Report& report);

/// A key under which different objects would share one response, or that names what no path has, is
/// an error. `node` is the key's; null when the file has none.
void check_key(const ReadRule& read, const Node* node, Report& report);

/// Names used twice, and paths that an earlier rule takes. Gives rules without a name one that is
/// unique.
void check_among(std::vector<ReadRule>& rules, std::vector<Finding>& findings);

/// What `share: per-user`, `written_by: owner` and claims in `tags` need of the settings.
void check_identities(const std::vector<ReadRule>& rules, const Settings& settings,
                      const JwtDraft& jwt, std::vector<Finding>& findings);

/// What the loader knows, for the test that holds the schema to it.
[[nodiscard]] const std::vector<std::string_view>& rule_keys();
[[nodiscard]] const std::vector<std::string_view>& evict_on_keys();
[[nodiscard]] const std::vector<std::string_view>& evicting_methods();
[[nodiscard]] const std::vector<std::string_view>& share_words();
[[nodiscard]] const std::vector<std::string_view>& client_cache_control_words();
[[nodiscard]] const std::vector<std::string_view>& coherence_words();
[[nodiscard]] const std::vector<std::string_view>& written_by_words();

}  // namespace larder::config
