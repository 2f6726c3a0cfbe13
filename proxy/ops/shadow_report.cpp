#include "ops/shadow_report.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "ops/rule_yaml.hpp"
#include "policy/shadow_verdict.hpp"

namespace larder::ops {

namespace {

boost::json::object to_json(const ShadowedRule& rule) {
  const policy::ShadowReport& report = rule.report;
  const policy::ShadowVerdict verdict = policy::decide_verdict(report);
  boost::json::object json{{"rule", rule.name},
                           {"verdict", policy::format_verdict(verdict.verdict)},
                           {"requests", report.requests},
                           {"hits", report.hits},
                           {"misses", report.misses},
                           {"hit_ratio", verdict.hit_ratio},
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
  if (rules.empty()) return "no rule is in shadow: write 'mode: shadow' into one\n";
  std::string text;
  for (const ShadowedRule& rule : rules) {
    const policy::ShadowReport& report = rule.report;
    const policy::ShadowVerdict verdict = policy::decide_verdict(report);
    text += fmt::format("{}: {}\n", rule.name, policy::format_verdict(verdict.verdict));
    text += fmt::format("  {} {} in {}; {:.1f} % would have been hits\n", report.requests,
                        report.requests == 1 ? "request" : "requests", format_span(report.observed),
                        verdict.hit_ratio * 100);
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
