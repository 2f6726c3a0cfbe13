#include "ops/suggestion_text.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ops/rule_yaml.hpp"

namespace larder::ops {

using policy::Standing;
using policy::Suggestion;

namespace {

/// Patterns that are named with what speaks against a rule for them.
constexpr std::size_t most_named = 50;

std::string format_seconds(std::chrono::milliseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds < 10 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

double percent_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

RuleText make_rule(const Suggestion& suggestion) {
  RuleText rule{.path = suggestion.pattern};
  rule.ttl = std::chrono::duration_cast<std::chrono::seconds>(suggestion.rule.ttl);
  rule.share = suggestion.rule.share;
  rule.ignored = suggestion.rule.ignored;
  rule.evict_on = suggestion.rule.evict_on;
  return rule;
}

void append_figures(const Suggestion& suggestion, std::uint64_t all, std::string& text) {
  text += fmt::format("  # {} of {} requests ({:.0f} %), {} {}\n", suggestion.requests, all,
                      percent_of(suggestion.requests, all), suggestion.urls,
                      suggestion.urls == 1 ? "URL" : "URLs");
  text += fmt::format(
      "  # {:.1f} % would have been hits (with 95 % at least {:.1f} %): {} requests and {} of "
      "Django's time saved\n",
      suggestion.hit_ratio * 100, suggestion.least_hit_ratio * 100, suggestion.hits,
      format_seconds(suggestion.saved));
  if (suggestion.judged > 0)
    text +=
        fmt::format("  # none of {} hits would have been wrong: with 95 % not more than {:.2f} %\n",
                    suggestion.judged, suggestion.stale_bound * 100);
  for (const std::string& line : suggestion.lines) text += "  # " + line + "\n";
}

void append_rules(const policy::Suggestions& suggestions, std::string& text) {
  bool has_rule = false;
  std::string body;
  for (const Suggestion& suggestion : suggestions.list) {
    if (suggestion.standing == Standing::suggested) {
      body += "\n";
      append_figures(suggestion, suggestions.requests, body);
      append_rule(make_rule(suggestion), "  ", body);
      has_rule = true;
      continue;
    }
    if (suggestion.standing == Standing::unsure) {
      body +=
          "\n  # Not sure yet: " + fmt::format("{}", fmt::join(suggestion.reasons, "; ")) + "\n";
      append_figures(suggestion, suggestions.requests, body);
      append_rule(make_rule(suggestion), "  # ", body);
    }
    if (!suggestion.is_to_be_kept_out) continue;
    body += "\n";
    if (suggestion.standing == Standing::refused)
      body += fmt::format("  # {}\n", fmt::join(suggestion.reasons, "; "));
    body += "  # Kept out of a wider rule below\n";
    append_rule({.path = suggestion.pattern, .is_off = true}, "  ", body);
    has_rule = true;
  }
  text += has_rule ? "rules:\n" : "rules: []\n";
  text += body;
}

void append_refused(const policy::Suggestions& suggestions, std::string& text) {
  std::vector<const Suggestion*> refused;
  for (const Suggestion& suggestion : suggestions.list)
    if (suggestion.standing == Standing::refused && !suggestion.is_to_be_kept_out)
      refused.push_back(&suggestion);
  if (refused.empty()) return;
  std::stable_sort(refused.begin(), refused.end(), [](const Suggestion* a, const Suggestion* b) {
    return a->requests > b->requests;
  });
  text += "\n# Not to be cached\n";
  for (std::size_t i = 0; i < std::min(refused.size(), most_named); ++i) {
    text += fmt::format("#   {} ({} requests)\n", refused[i]->pattern, refused[i]->requests);
    for (const std::string& reason : refused[i]->reasons) text += "#     " + reason + "\n";
  }
  if (refused.size() > most_named)
    text += fmt::format("#   and {} more, which are asked for less\n", refused.size() - most_named);
}

void append_rest(const policy::Suggestions& suggestions, std::string& text) {
  std::string rest;
  if (suggestions.unwell > 0)
    rest += fmt::format("#   {} requests to {} {} that never answered 200\n", suggestions.unwell,
                        suggestions.unwell_paths, suggestions.unwell_paths == 1 ? "path" : "paths");
  if (suggestions.not_looked_at > 0)
    rest += fmt::format("#   {} requests to patterns beyond the {} that are asked for most\n",
                        suggestions.not_looked_at, policy::most_patterns);
  if (suggestions.dropped > 0)
    rest += fmt::format(
        "#   {} requests for URLs that there was no room for (setting observe); they count as "
        "misses\n",
        suggestions.dropped);
  if (!rest.empty()) text += "\n# Not looked at\n" + rest;
}

}  // namespace

std::string format_rules(const policy::Suggestions& suggestions) {
  const auto suggested =
      std::count_if(suggestions.list.begin(), suggestions.list.end(),
                    [](const Suggestion& one) { return one.standing == Standing::suggested; });
  std::uint64_t saved = 0;
  for (const Suggestion& one : suggestions.list)
    if (one.standing == Standing::suggested) saved += one.hits;
  std::string text = fmt::format(
      "# By larder suggest, from {} GETs in {} that no rule answered.\n"
      "# {} {}: {:.0f} % of these requests would have been hits.\n"
      "# A rule is as right as what was seen. With 'mode: shadow' in it, larder shadow says how it "
      "does.\n",
      suggestions.requests, format_span(suggestions.observed), suggested,
      suggested == 1 ? "rule" : "rules", percent_of(saved, suggestions.requests));
  const bool is_per_user =
      std::any_of(suggestions.list.begin(), suggestions.list.end(), [](const Suggestion& one) {
        return one.standing == Standing::suggested && one.rule.share == policy::Share::per_user;
      });
  if (is_per_user)
    text += "# share: per-user needs settings.jwt (or per_user: session) as this Larder has it.\n";
  append_rules(suggestions, text);
  append_refused(suggestions, text);
  append_rest(suggestions, text);
  return text;
}

}  // namespace larder::ops
