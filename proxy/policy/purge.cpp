#include "policy/purge.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "policy/named_tags.hpp"
#include "policy/nearest.hpp"

namespace larder::policy {

namespace {

/// "/a/" of "http://host/a/?b#c". Empty when there is no path.
std::string_view path_of(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    const std::size_t slash = url.find('/', scheme + 3);
    if (slash == std::string_view::npos) return "/";
    url.remove_prefix(slash);
  }
  return url.starts_with('/') ? url : std::string_view();
}

std::variant<Tags, PurgeRefused> tags_of_rule(const std::string& name, const Routes& routes) {
  std::vector<std::string_view> known;
  for (const RouteRule& rule : routes.rules) known.push_back(rule.name);
  if (std::find(known.begin(), known.end(), name) == known.end())
    return PurgeRefused{"there is no rule '" + name + "'" + suggest_nearest(name, known)};
  return Tags{"r:" + name};
}

}  // namespace

std::variant<Tags, PurgeRefused> tags_of_purge(const PurgeTarget& target, PurgeStrength strength,
                                               const Routes& routes) {
  switch (target.kind) {
    case PurgeKind::url:
    case PurgeKind::prefix: {
      const std::string_view path = path_of(target.text);
      if (path.empty())
        return PurgeRefused{"'" + target.text + "' has no path; write /api/items/ or a whole URL"};
      Tags tags = tags_of_path(path, target.kind == PurgeKind::prefix);
      if (tags.empty())
        return PurgeRefused{"'" + target.text + "' is deeper than anything that is stored"};
      return tags;
    }
    case PurgeKind::rule:
      return tags_of_rule(target.text, routes);
    case PurgeKind::tag:
      if (target.text.empty() || target.text.size() > longest_name_of_tag)
        return PurgeRefused{"a tag has 1 to " + std::to_string(longest_name_of_tag) + " bytes"};
      return Tags{make_key_tag(target.text)};
    case PurgeKind::everything:
      break;
  }
  if (strength == PurgeStrength::hard) return Tags{"e:"};
  // The stamp of everything tells Redis' history and is never softened; nothing else may be used
  // than what is stored under a rule in force.
  Tags tags;
  for (const RouteRule& rule : routes.rules) tags.push_back("r:" + rule.name);
  return tags;
}

}  // namespace larder::policy
