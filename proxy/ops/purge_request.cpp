#include "ops/purge_request.hpp"

#include <array>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "policy/nearest.hpp"

namespace larder::ops {

using policy::PurgeKind;

namespace {

struct Name {
  PurgeKind kind;
  std::string_view name;
};
constexpr std::array<Name, 4> named{{{PurgeKind::url, "url"},
                                     {PurgeKind::prefix, "prefix"},
                                     {PurgeKind::rule, "rule"},
                                     {PurgeKind::tag, "tag"}}};
constexpr std::string_view members = "url, prefix, rule, tag, all, soft, dry_run";

std::optional<PurgeKind> kind_of(std::string_view name) {
  for (const Name& one : named)
    if (one.name == name) return one.kind;
  return {};
}

}  // namespace

std::variant<PurgeRequest, BadPurgeRequest> parse_purge_request(std::string_view json) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse({json.data(), json.size()}, error);
  if (error || !value.is_object())
    return BadPurgeRequest{R"(a JSON object is expected, such as {"url": "/api/items/"})"};
  PurgeRequest request;
  unsigned targets = 0;
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    if (const std::optional<PurgeKind> kind = kind_of(name)) {
      if (!member.value().is_string()) return BadPurgeRequest{std::string(name) + ": no text"};
      const boost::json::string& text = member.value().get_string();
      request.target = {*kind, std::string(text.data(), text.size())};
      ++targets;
      continue;
    }
    if (name != "all" && name != "soft" && name != "dry_run")
      return BadPurgeRequest{"unknown member '" + std::string(name) + "'" +
                             policy::suggest_nearest(
                                 name, {"url", "prefix", "rule", "tag", "all", "soft", "dry_run"}) +
                             "; known are " + std::string(members)};
    if (!member.value().is_bool())
      return BadPurgeRequest{std::string(name) + ": true or false is expected"};
    const bool is_so = member.value().get_bool();
    if (name == "soft" && is_so) request.strength = policy::PurgeStrength::soft;
    if (name == "dry_run") request.is_dry_run = is_so;
    if (name == "all" && is_so) ++targets;
  }
  if (targets != 1)
    return BadPurgeRequest{"exactly one of url, prefix, rule, tag and all is expected"};
  return request;
}

std::string format_purge_request(const PurgeRequest& request) {
  boost::json::object json;
  if (request.target.kind == PurgeKind::everything) json["all"] = true;
  for (const Name& one : named)
    if (one.kind == request.target.kind)
      json[boost::json::string_view(one.name.data(), one.name.size())] = request.target.text;
  if (request.strength == policy::PurgeStrength::soft) json["soft"] = true;
  if (request.is_dry_run) json["dry_run"] = true;
  return boost::json::serialize(json);
}

}  // namespace larder::ops
