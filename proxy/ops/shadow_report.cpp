#include "ops/shadow_report.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "policy/shadow_verdict.hpp"

namespace larder::ops {

namespace {

std::string format_span(std::chrono::milliseconds span) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(span).count();
  if (minutes >= 48 * 60) return fmt::format("{} days", minutes / (24 * 60));
  if (minutes >= 120) return fmt::format("{} hours", minutes / 60);
  if (minutes >= 2) return fmt::format("{} minutes", minutes);
  return fmt::format("{} seconds", std::chrono::duration_cast<std::chrono::seconds>(span).count());
}

boost::json::object to_json(const ShadowedRule& rule) {
  const policy::ShadowReport& report = rule.report;
  const policy::ShadowVerdict verdict = policy::decide_verdict(report);
  boost::json::object json{{"rule", rule.name},
                           {"mode", report.is_live ? "on" : "shadow"},
                           {"verdict", policy::format_verdict(verdict.verdict)},
                           {"requests", report.requests},
                           {"hits", report.hits},
                           {"misses", report.misses},
                           {"stale_hits", report.stale_hits},
                           {"stale_rate", verdict.stale_rate},
                           {"stale_bound", verdict.stale_bound},
                           {"users_differ", report.users_differ},
                           {"undecided", report.undecided},
                           {"not_judged", report.not_judged},
                           {"changes_noticed", report.changes_noticed},
                           {"changes_unseen", report.changes_unseen},
                           {"sampled", report.sampled},
                           {"observed_seconds", report.observed.count() / 1000}};
  if (!report.is_live) json["hit_ratio"] = verdict.hit_ratio;
  boost::json::object refused;
  for (const auto& [detail, count] : report.refused) refused[policy::format_detail(detail)] = count;
  json["refused"] = std::move(refused);
  boost::json::array suspects;
  for (const policy::Suspect& suspect : report.suspects)
    suspects.push_back({{"method", suspect.method},
                        {"path", suspect.shape},
                        {"preceded", suspect.preceded},
                        {"seen", suspect.seen}});
  json["suspects"] = std::move(suspects);
  json["evict_on"] = boost::json::array(verdict.evict_on.begin(), verdict.evict_on.end());
  json["lines"] = boost::json::array(verdict.lines.begin(), verdict.lines.end());
  return json;
}

}  // namespace

std::string format_json(const std::vector<ShadowedRule>& rules) {
  boost::json::array list;
  for (const ShadowedRule& rule : rules) list.push_back(to_json(rule));
  return boost::json::serialize(boost::json::object{{"rules", std::move(list)}}) + "\n";
}

std::string format_text(const std::vector<ShadowedRule>& rules) {
  if (rules.empty())
    return "no rule is in shadow or verified: write 'mode: shadow' or 'verify: 1%' into one\n";
  std::string text;
  for (const ShadowedRule& rule : rules) {
    const policy::ShadowReport& report = rule.report;
    const policy::ShadowVerdict verdict = policy::decide_verdict(report);
    text += fmt::format("{}: {}\n", rule.name, policy::format_verdict(verdict.verdict));
    if (report.is_live)
      text += fmt::format("  {} {} verified in {}\n", report.hits,
                          report.hits == 1 ? "hit" : "hits", format_span(report.observed));
    else
      text += fmt::format("  {} {} in {}; {:.1f} % would have been hits\n", report.requests,
                          report.requests == 1 ? "request" : "requests",
                          format_span(report.observed), verdict.hit_ratio * 100);
    if (report.hits > 0)
      text +=
          fmt::format("  {} of {} hits old: with 95 % not more than {:.2f} %\n", report.stale_hits,
                      report.hits - report.not_judged, verdict.stale_bound * 100);
    if (report.sampled < 1)
      text += fmt::format("  judged on {:.3g} % of its keys, there are so many\n",
                          report.sampled * 100);
    for (const std::string& line : verdict.lines) text += "  " + line + "\n";
  }
  return text;
}

}  // namespace larder::ops
