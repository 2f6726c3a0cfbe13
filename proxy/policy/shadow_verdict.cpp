#include "policy/shadow_verdict.hpp"

#include <algorithm>

#include "policy/confidence.hpp"
#include "policy/detail_words.hpp"
#include "policy/path_shape.hpp"

namespace larder::policy {

namespace {

/// A write that came before this part of the unseen changes is named.
constexpr std::uint64_t named_from_percent = 50;

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
         std::string(describe(most->first));
}

void name_suspects(const ShadowReport& report, ShadowVerdict& verdict) {
  for (const Suspect& suspect : report.suspects) {
    if (suspect.preceded * 100 < report.changes_unseen * named_from_percent) continue;
    std::string path(literal_prefix(suspect.shape));
    verdict.lines.push_back(suspect.method + " " + suspect.shape + " came before " +
                            std::to_string(suspect.preceded) + " of them");
    if (std::find(verdict.evict_on.begin(), verdict.evict_on.end(), path) == verdict.evict_on.end())
      verdict.evict_on.push_back(std::move(path));
  }
  if (verdict.evict_on.empty()) return;
  std::string paths;
  for (const std::string& path : verdict.evict_on)
    paths.append(paths.empty() ? "" : ", ").append(path);
  verdict.lines.push_back("add to the rule: evict_on: [" + paths + "]");
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

std::string_view describe(Verdict verdict, bool is_live) {
  switch (verdict) {
    case Verdict::promote:
      return "switch it on: nothing speaks against it";
    case Verdict::holds:
      return "leave it on: nothing speaks against it";
    case Verdict::too_little:
      return "wait: nothing speaks against it so far, and too little was seen";
    case Verdict::no_use:
      return "leave it out: hardly anything would be found stored";
    case Verdict::missing_evict:
      return is_live ? "it serves what is old: name the writes below in its evict_on"
                     : "not yet: name the writes below in its evict_on first";
    case Verdict::changes_unseen:
      return "not as it is: something changes it that Larder does not see";
    case Verdict::users_differ:
      return is_live ? "not as it is: users get what is not theirs"
                     : "not as it is: users would get each other's answers";
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
    verdict.lines.push_back(
        count(report.users_differ, "hit", "hits") +
        (report.is_live ? " were not what the origin answers to the credentials sent"
                        : " would have given one user another's answer") +
        (report.users_example.empty() ? "" : ", as of " + report.users_example));
    verdict.lines.emplace_back(
        "share: per-user, or name in key or vary what tells the answers apart");
    return verdict;
  }
  if (report.changes_unseen > 0) {
    verdict.lines.push_back(
        count(report.changes_unseen, "change", "changes") + " came that nothing evicted" +
        (report.stale_example.empty() ? "" : ", as of " + report.stale_example));
    name_suspects(report, verdict);
    verdict.verdict = verdict.evict_on.empty() ? Verdict::changes_unseen : Verdict::missing_evict;
    if (verdict.evict_on.empty()) {
      verdict.lines.emplace_back(
          "no write through Larder came before: a shell, a command, a task, or answers that differ "
          "each time");
      verdict.lines.emplace_back(
          "call larder purge from there, or choose a ttl that you can live with");
    }
    return verdict;
  }
  if (report.undecided > 0) {
    verdict.verdict = Verdict::too_little;
    verdict.lines.push_back(count(report.undecided, "hit", "hits") +
                            " differed, between users or by a change: not clear yet which");
    return verdict;
  }
  if (!report.is_live && asked >= enough_hits && verdict.hit_ratio < 0.05) {
    verdict.verdict = Verdict::no_use;
    verdict.lines.push_back(refused.empty()
                                ? "hardly any key was asked for twice: does it name more "
                                  "than the answer depends on?"
                                : refused);
    return verdict;
  }
  const Verdict well = report.is_live ? Verdict::holds : Verdict::promote;
  verdict.verdict = judged >= enough_hits ? well : Verdict::too_little;
  if (verdict.verdict == Verdict::too_little)
    verdict.lines.push_back("after " + std::to_string(enough_hits) + " hits it says more");
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
