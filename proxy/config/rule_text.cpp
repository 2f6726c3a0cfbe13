#include "config/rule_text.hpp"

#include <chrono>
#include <optional>

#include "config/values.hpp"

namespace larder::config {
namespace {

using policy::RouteRule;

constexpr std::string_view as_default = "default";

template <typename Items, typename Text>
std::string list_of(const Items& items, const Text& text_of) {
  std::string list;
  for (const auto& item : items) {
    if (!list.empty()) list += ", ";
    list += text_of(item);
  }
  return list.empty() ? "none" : list;
}

std::string text_of_ttl(const RouteRule& rule) {
  if (!rule.origin) return rule.ttl == policy::seconds{0} ? "none" : format_duration(rule.ttl);
  std::string text = "origin";
  if (rule.origin->otherwise) text += ", default " + format_duration(*rule.origin->otherwise);
  if (rule.origin->most) text += ", max " + format_duration(*rule.origin->most);
  if (rule.origin->heuristic) text += ", heuristic";
  return text;
}

template <typename Duration>
std::string text_of_duration(const std::optional<Duration>& duration) {
  return duration ? format_duration(*duration) : std::string(as_default);
}

std::string text_of_mode(policy::Mode mode) {
  switch (mode) {
    case policy::Mode::on:
      return "on";
    case policy::Mode::shadow:
      return "shadow";
    case policy::Mode::off:
      return "off";
  }
  return {};
}

std::string text_of_vary(const policy::VaryField& field) {
  if (field.offered.empty()) return field.name;
  return field.name + " (" +
         list_of(field.offered, [](const std::string& offered) { return offered; }) + ")";
}

std::string text_of_evict_on(const policy::EvictOn& evict_on) {
  if (evict_on.methods.empty()) return evict_on.path.text;
  return evict_on.path.text + " (" +
         list_of(evict_on.methods, [](const std::string& method) { return method; }) + ")";
}

}  // namespace

std::string_view text_of_share(policy::Share share) {
  switch (share) {
    case policy::Share::anonymous:
      return "anonymous";
    case policy::Share::everyone:
      return "everyone";
    case policy::Share::per_user:
      return "per-user";
  }
  return {};
}

std::vector<RuleKeyText> describe_rule(const RouteRule& rule) {
  const auto pattern = [](const policy::PathPattern& path) { return path.text; };
  const auto status = [](const policy::StatusTtl& status_ttl) {
    return std::to_string(status_ttl.status) + " " + format_duration(status_ttl.ttl);
  };
  const auto tag = [](const policy::KeyTemplate& written) { return written.text; };
  return {
      {"name", rule.name},
      {"path", list_of(rule.paths, pattern)},
      {"mode", text_of_mode(rule.mode)},
      {"verify", format_percentage(rule.verify)},
      {"ttl", text_of_ttl(rule)},
      {"statuses", list_of(rule.statuses, status)},
      {"stale_while_revalidate", text_of_duration(rule.stale_while_revalidate)},
      {"stale_if_error", text_of_duration(rule.stale_if_error)},
      {"key", rule.key.text},
      {"share", std::string(text_of_share(rule.share))},
      {"written_by", rule.written_by == policy::WrittenBy::owner ? "owner" : "anyone"},
      {"coherence", rule.is_strict() ? "strict" : "heartbeat"},
      {"vary", list_of(rule.vary, text_of_vary)},
      {"client_cache_control", rule.obeys_requests ? "obey" : "ignore"},
      {"etag", rule.makes_etags ? "true" : "false"},
      {"compress", rule.compression.is_on ? "true" : "false"},
      {"evict_on", list_of(rule.evict_on, text_of_evict_on)},
      {"tags", list_of(rule.tags, tag)},
      {"after", std::to_string(rule.after)},
      {"variants", std::to_string(rule.variants)},
      {"variants_per_url", std::to_string(rule.variants_per_url)},
      {"first_byte_timeout", rule.first_byte_timeout.count() == 0
                                 ? std::string(as_default)
                                 : format_duration(rule.first_byte_timeout)},
      {"body_limit", rule.body_limit ? format_size(*rule.body_limit) : std::string(as_default)},
      {"response_timeout", text_of_duration(rule.response_timeout)},
  };
}

}  // namespace larder::config
