#include "ops/rule_yaml.hpp"

#include <fmt/format.h>

#include "config/rule_text.hpp"

namespace larder::ops {

namespace {

/// In double quotes, as any text may stand in YAML, and "${" for itself. Paths come from clients.
std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    if (letter == '{' && quoted.ends_with('$')) quoted.insert(quoted.size() - 1, "$");
    quoted += letter;
  }
  return quoted + "\"";
}

std::string format_path(std::string_view path) {
  const bool is_plain = path.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/") ==
                        std::string_view::npos;
  return is_plain ? std::string(path) : quote(path);
}

}  // namespace

std::string format_ttl(std::chrono::seconds ttl) {
  const auto count = ttl.count();
  if (count % (24 * 3600) == 0) return fmt::format("{}d", count / (24 * 3600));
  if (count % 3600 == 0) return fmt::format("{}h", count / 3600);
  if (count % 60 == 0) return fmt::format("{}m", count / 60);
  return fmt::format("{}s", count);
}

void append_rule(const RuleText& rule, std::string_view indent, std::string& text) {
  const auto line = [&](std::string_view content) {
    text.append(indent).append(content).append("\n");
  };
  line("- path: " + format_path(rule.path));
  if (rule.is_off) {
    line("  mode: off");
    return;
  }
  if (rule.is_in_shadow) line("  mode: shadow");
  line("  ttl: " + format_ttl(rule.ttl));
  line(fmt::format("  share: {}", config::text_of_share(rule.share)));
  if (!rule.ignored.empty())
    line(fmt::format("  key: \"{{path}}?{{query:-{}}}\"", fmt::join(rule.ignored, ",")));
  if (rule.evict_on.empty()) return;
  line("  evict_on:");
  for (const std::string& path : rule.evict_on) line("    - " + format_path(path));
}

std::string format_span(std::chrono::milliseconds span) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(span).count();
  if (minutes >= 48 * 60) return fmt::format("{} days", minutes / (24 * 60));
  if (minutes >= 120) return fmt::format("{} hours", minutes / 60);
  if (minutes >= 2) return fmt::format("{} minutes", minutes);
  return fmt::format("{} seconds", std::chrono::duration_cast<std::chrono::seconds>(span).count());
}

}  // namespace larder::ops
