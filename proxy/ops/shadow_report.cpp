#include "ops/shadow_report.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "ops/rule_yaml.hpp"
#include "policy/shadow_verdict.hpp"

namespace larder::ops {

namespace {

/// With more digits the smaller it is.
std::string format_percent(double rate) {
  return fmt::format("{:.{}f} %", rate * 100, rate >= 0.1 ? 0 : rate >= 0.01 ? 1 : 2);
}

/// What was seen, and what to do; one sentence a line.
std::vector<std::string> describe(const policy::ShadowReport& report,
                                  const policy::ShadowVerdict& verdict) {
  std::vector<std::string> lines;
  if (report.is_live)
    lines.push_back(fmt::format("{} {} verified in {}", report.hits,
                                report.hits == 1 ? "hit" : "hits", format_span(report.observed)));
  else
    lines.push_back(fmt::format("{} {} in {}: {:.1f} % would have been hits", report.requests,
                                report.requests == 1 ? "request" : "requests",
                                format_span(report.observed), verdict.hit_ratio * 100));
  const std::uint64_t judged = report.hits - std::min(report.hits, report.not_judged);
  if (judged > 0)
    lines.push_back(fmt::format(
        "{} of {} {} {} stale{}: with 95 % confidence no more than {} of them are",
        report.stale_hits > 0 ? std::to_string(report.stale_hits) : "none", judged,
        judged == 1 ? "hit" : "hits", report.is_live ? "were" : "would have been",
        report.stale_with_credentials > 0
            ? fmt::format(", {} for users with credentials", report.stale_with_credentials)
            : std::string(),
        format_percent(verdict.stale_bound)));
  if (report.sampled < 1)
    lines.push_back(
        fmt::format("judged on {:.3g} % of its keys, there are so many", report.sampled * 100));
  lines.insert(lines.end(), verdict.lines.begin(), verdict.lines.end());
  return lines;
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
                           {"stale_with_credentials", report.stale_with_credentials},
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
  json["advice"] = policy::describe(verdict.verdict, report.is_live);
  const std::vector<std::string> lines = describe(report, verdict);
  json["lines"] = boost::json::array(lines.begin(), lines.end());
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
    const policy::ShadowVerdict verdict = policy::decide_verdict(rule.report);
    text += fmt::format("{}: {}\n  {}\n", rule.name, policy::format_verdict(verdict.verdict),
                        policy::describe(verdict.verdict, rule.report.is_live));
    for (const std::string& line : describe(rule.report, verdict)) text += "  - " + line + "\n";
  }
  return text;
}

}  // namespace larder::ops
