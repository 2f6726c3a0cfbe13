#include "ops/live_advice.hpp"

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace larder::ops {

namespace {

using boost::json::object;
using boost::json::value;

std::optional<object> parse_object(std::string_view json) {
  boost::json::error_code error;
  value parsed = boost::json::parse({json.data(), json.size()}, error);
  if (error || !parsed.is_object() || !parsed.get_object().contains("rules")) return std::nullopt;
  return std::move(parsed.get_object());
}

/// What is said of the rule of this name; null: nothing.
const object* find_rule(const object& json, std::string_view name) {
  const boost::json::array* rules = json.at("rules").if_array();
  if (!rules) return nullptr;
  for (const value& one : *rules) {
    const object* rule = one.if_object();
    const value* named = rule ? rule->if_contains("rule") : nullptr;
    if (named && named->is_string() && std::string_view(named->get_string()) == name) return rule;
  }
  return nullptr;
}

std::uint64_t number(const object* json, std::string_view name) {
  const value* found = json ? json->if_contains({name.data(), name.size()}) : nullptr;
  return found && found->is_number() ? found->to_number<std::uint64_t>() : 0;
}

std::uint64_t count_set_cookies(const object* in_stats, const object* in_shadow) {
  const value* refused = in_shadow ? in_shadow->if_contains("refused") : nullptr;
  return number(in_stats, "set_cookies") +
         number(refused ? refused->if_object() : nullptr, "set-cookie");
}

config::Finding warn(const config::RulePlace& place, std::string message, std::string name) {
  const config::Place at = place.share.line > 0 ? place.share : place.rule;
  return {.level = config::Finding::Level::warning,
          .file = place.file,
          .line = at.line,
          .column = at.column,
          .message = std::move(message),
          .name = std::move(name)};
}

std::string count_of(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

}  // namespace

std::optional<std::vector<config::Finding>> advise_live(const config::LoadResult& loaded,
                                                        std::string_view stats,
                                                        std::string_view shadow) {
  const std::optional<object> all_stats = parse_object(stats);
  const std::optional<object> all_shadow = parse_object(shadow);
  if (!all_stats || !all_shadow) return std::nullopt;
  std::vector<config::Finding> findings;
  for (std::size_t index = 0; index < loaded.places.size(); ++index) {
    const policy::RouteRule& rule = loaded.config.routes.rules[index];
    if (rule.share != policy::Share::everyone) continue;
    const object* in_stats = find_rule(*all_stats, rule.name);
    const object* in_shadow = find_rule(*all_shadow, rule.name);
    const std::uint64_t cookies = count_set_cookies(in_stats, in_shadow);
    if (cookies > 0)
      findings.push_back(
          warn(loaded.places[index],
               "share: " + count_of(cookies, "answer", "answers") + " under '" + rule.name +
                   "' came with Set-Cookie and are not stored: a cookie is for one client. Keep "
                   "the view from setting it, or take its path out of the rule",
               "set-cookie"));
    const std::uint64_t differing = number(in_shadow, "users_differ");
    if (differing > 0)
      findings.push_back(warn(
          loaded.places[index],
          "share: " + count_of(differing, "answer", "answers") + " under '" + rule.name +
              "' differed between users: share: per-user, or name what tells them apart in key or "
              "vary",
          "users-differ"));
  }
  return findings;
}

}  // namespace larder::ops
