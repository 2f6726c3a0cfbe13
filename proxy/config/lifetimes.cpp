#include "config/lifetimes.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "config/mapping.hpp"
#include "policy/freshness.hpp"

namespace larder::config {

using policy::OriginFreshness;
using policy::RouteRule;

std::optional<milliseconds> read_duration(const Node& node, std::string_view owner,
                                          Report& report) {
  const std::string* text = read_text(node, owner, "a duration such as 30s or 1h", report);
  if (!text) return std::nullopt;
  const Parsed<milliseconds> parsed = parse_duration(*text);
  if (const auto* refused = std::get_if<Refused>(&parsed)) {
    report.error(node.place, std::string(owner) + ": " + refused->why);
    return std::nullopt;
  }
  return std::get<milliseconds>(parsed);
}

std::optional<seconds> read_seconds(const Node& node, std::string_view owner, ZeroSeconds zero,
                                    Report& report) {
  const std::optional<milliseconds> duration = read_duration(node, owner, report);
  if (!duration) return std::nullopt;
  const bool is_allowed_zero = zero == ZeroSeconds::allowed && *duration == milliseconds(0);
  if (*duration < seconds(1) && !is_allowed_zero) {
    report.error(node.place,
                 std::string(owner) + ": " + quote(node.text) + " is less than a second");
    return std::nullopt;
  }
  return std::chrono::duration_cast<seconds>(*duration);
}

const std::vector<std::string_view>& origin_ttl_keys() {
  static const std::vector<std::string_view> names{"from", "default", "max", "heuristic"};
  return names;
}

namespace {

bool read_origin(const Node& value, RouteRule& rule, Report& report) {
  OriginFreshness origin;
  bool has_from = false;
  bool good = true;
  for (const Entry* entry : read_mapping(value, {"'ttl'", origin_ttl_keys(), {}}, report)) {
    const std::string& key = entry->key.text;
    if (key == "from") {
      has_from = true;
      const std::string* text = read_text(entry->value, "ttl: from", "the word origin", report);
      if (text && *text != "origin") {
        report.error(entry->value.place,
                     "ttl: from: " + quote(*text) +
                         " is unknown; write 'from: origin', or a duration instead of the mapping");
      }
      good = good && text && *text == "origin";
    } else if (key == "heuristic") {
      const std::string* text = read_text(entry->value, "ttl: heuristic", "true or false", report);
      const Parsed<bool> parsed = text ? parse_boolean(*text) : Parsed<bool>(false);
      if (const auto* refused = std::get_if<Refused>(&parsed))
        report.error(entry->value.place, "ttl: heuristic: " + refused->why);
      good = good && text && std::holds_alternative<bool>(parsed);
      if (good) origin.heuristic = std::get<bool>(parsed);
    } else {
      std::optional<seconds>& bound = key == "default" ? origin.otherwise : origin.most;
      bound = read_seconds(entry->value, "ttl: " + key, ZeroSeconds::refused, report);
      good = good && bound;
    }
  }
  if (!has_from) {
    report.error(value.place,
                 "ttl: a mapping needs 'from: origin'; else write a duration such as 1h");
    good = false;
  }
  rule.origin = origin;
  return good;
}

}  // namespace

bool read_ttl(const Node& value, RouteRule& rule, Report& report) {
  if (value.kind == Node::Kind::map) return read_origin(value, rule, report);
  if (value.kind == Node::Kind::scalar && value.text == "origin") {
    rule.origin.emplace();
    return true;
  }
  if (value.kind == Node::Kind::scalar && value.text.starts_with('-')) {
    report.error(value.place,
                 "ttl: " + quote(value.text) + " is negative; to cache nothing write mode: off");
    return false;
  }
  const std::optional<milliseconds> duration = read_duration(value, "ttl", report);
  if (!duration) return false;
  if (*duration < seconds(1)) {
    report.error(value.place, "ttl: " + quote(value.text) +
                                  " is less than a second; to cache nothing write mode: off");
    return false;
  }
  rule.ttl = std::chrono::duration_cast<seconds>(*duration);
  return true;
}

bool read_statuses(const Node& value, RouteRule& rule, Report& report) {
  if (value.kind != Node::Kind::map) {
    if (value.kind != Node::Kind::broken)
      report.error(value.place, "statuses: expected a mapping such as {404: 30s}");
    return false;
  }
  bool good = true;
  const auto refuse = [&](const Node& node, const std::string& why) {
    report.error(node.place, "statuses: " + why);
    good = false;
  };
  for (const Entry& entry : value.entries) {
    if (entry.key.kind == Node::Kind::broken) return false;
    const Parsed<std::uint64_t> parsed = parse_number(entry.key.text, 200, 599);
    if (std::holds_alternative<Refused>(parsed)) {
      refuse(entry.key, quote(entry.key.text) + " is no status; a number from 200 to 599 is");
      continue;
    }
    const auto status = static_cast<std::uint16_t>(std::get<std::uint64_t>(parsed));
    const bool is_there =
        std::any_of(rule.statuses.begin(), rule.statuses.end(),
                    [&](const policy::StatusTtl& one) { return one.status == status; });
    if (status == 200) {
      refuse(entry.key, "200 is what 'ttl' is for");
    } else if (status == 206 || status == 304) {
      refuse(entry.key,
             quote(entry.key.text) + " answers only a part of a request; it is never stored");
    } else if (status == 401 || status == 403 || status == 407) {
      refuse(entry.key,
             quote(entry.key.text) + " is said to one who may not; it is never stored for others");
    } else if (is_there) {
      refuse(entry.key, entry.key.text + " stands here twice");
    } else if (const auto ttl = read_seconds(entry.value, "statuses: " + entry.key.text,
                                             ZeroSeconds::refused, report)) {
      rule.statuses.push_back({status, *ttl});
    } else {
      good = false;
    }
  }
  return good;
}

}  // namespace larder::config
