#include "policy/shadow_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "policy/confidence.hpp"
#include "policy/path_shape.hpp"

namespace larder::policy {

namespace {

/// A write that came before this part of the unseen changes is named.
constexpr std::uint64_t named_from_percent = 50;

std::string percent(double rate) {
  char text[32];
  const int digits = rate >= 0.1 || rate == 0 ? 0 : 2;
  std::snprintf(text, sizeof text, "%.*f %%", digits, rate * 100);
  return text;
}

std::string count(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::string name_refused(const ShadowReport& report) {
  const auto most =
      std::max_element(report.refused.begin(), report.refused.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == report.refused.end()) return {};
  return count(most->second, "answer", "answers") +
         (report.is_live ? " would not be stored now: " : " would not have been stored: ") +
         std::string(format_detail(most->first));
}

void name_suspects(const ShadowReport& report, ShadowVerdict& verdict) {
  for (const Suspect& suspect : report.suspects) {
    if (suspect.preceded * 100 < report.changes_unseen * named_from_percent) continue;
    std::string path(literal_prefix(suspect.shape));
    verdict.lines.push_back(suspect.method + " " + suspect.shape + " came before " +
                            std::to_string(suspect.preceded) + " of them: evict_on: [" + path +
                            "]");
    if (std::find(verdict.evict_on.begin(), verdict.evict_on.end(), path) == verdict.evict_on.end())
      verdict.evict_on.push_back(std::move(path));
  }
}

}  // namespace

std::string_view format_verdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::promote:
      return "promote";
    case Verdict::holds:
      return "holds";
    case Verdict::too_little:
      return "too-little";
    case Verdict::no_use:
      return "no-use";
    case Verdict::missing_evict:
      return "missing-evict";
    case Verdict::changes_unseen:
      return "changes-unseen";
    case Verdict::users_differ:
      return "users-differ";
  }
  return {};
}

ShadowVerdict decide_verdict(const ShadowReport& report) {
  ShadowVerdict verdict;
  const std::uint64_t asked = report.hits + report.misses;
  const std::uint64_t judged = report.hits - std::min(report.hits, report.not_judged);
  if (asked > 0) verdict.hit_ratio = static_cast<double>(report.hits) / static_cast<double>(asked);
  if (judged > 0)
    verdict.stale_rate = static_cast<double>(report.stale_hits) / static_cast<double>(judged);
  verdict.stale_bound = upper_bound_of_rate(report.stale_hits, judged);

  const std::string refused = name_refused(report);
  if (report.users_differ > 0) {
    verdict.verdict = Verdict::users_differ;
    verdict.lines.push_back(count(report.users_differ, "hit", "hits") +
                            (report.is_live
                                 ? " were not what the origin answers to the credentials sent"
                                 : " would have given one user another's answer") +
                            (report.users_example.empty() ? "" : ", as " + report.users_example));
    verdict.lines.emplace_back("share: per-user, or name what tells them apart in key or vary");
    return verdict;
  }
  if (report.changes_unseen > 0) {
    verdict.lines.push_back(count(report.changes_unseen, "change", "changes") +
                            " came unseen, so that " + count(report.stale_hits, "hit", "hits") +
                            " of " + std::to_string(judged) +
                            (report.is_live ? " were old" : " would have been old") +
                            (report.stale_example.empty() ? "" : ", as " + report.stale_example));
    name_suspects(report, verdict);
    verdict.verdict = verdict.evict_on.empty() ? Verdict::changes_unseen : Verdict::missing_evict;
    if (verdict.evict_on.empty())
      verdict.lines.emplace_back(
          "no write through Larder came before them: shell, tasks, or answers that differ each "
          "time. Evict from there, or live with the ttl");
    return verdict;
  }
  if (report.undecided > 0) {
    verdict.verdict = Verdict::too_little;
    verdict.lines.push_back(count(report.undecided, "hit", "hits") +
                            " differed between users or came after a change: not clear yet which");
    return verdict;
  }
  if (!report.is_live && asked >= enough_hits && verdict.hit_ratio < 0.05) {
    verdict.verdict = Verdict::no_use;
    verdict.lines.push_back("hardly anything would have been found stored (" +
                            percent(verdict.hit_ratio) + " of requests)");
    if (!refused.empty()) verdict.lines.push_back(refused);
    return verdict;
  }
  const Verdict well = report.is_live ? Verdict::holds : Verdict::promote;
  verdict.verdict = judged >= enough_hits ? well : Verdict::too_little;
  if (verdict.verdict == Verdict::too_little)
    verdict.lines.push_back("nothing wrong in " + count(judged, "hit", "hits") + "; " +
                            std::to_string(enough_hits) + " would say more");
  if (report.is_live) {
    if (verdict.verdict == well) verdict.lines.emplace_back("each was what the origin says");
  } else if (report.changes_noticed > 0) {
    verdict.lines.push_back(count(report.changes_noticed, "change", "changes") +
                            " came, and an eviction told of each");
  } else {
    verdict.lines.emplace_back("no change came: what evicts it has not been tried");
  }
  if (!refused.empty()) verdict.lines.push_back(refused);
  return verdict;
}

}  // namespace larder::policy
