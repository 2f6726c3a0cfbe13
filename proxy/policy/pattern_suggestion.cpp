#include "policy/pattern_suggestion.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "policy/confidence.hpp"
#include "policy/shadow_verdict.hpp"
#include "policy/tracking_parameters.hpp"

namespace larder::policy {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::array ttls{10s, 60s, 300s, 900s, 3600s, 6 * 3600s, 24 * 3600s};
/// What is kept for longer wants writes that evict it to be named.
constexpr seconds longest_without_evict_on{3600};
/// Nothing changed: then it may be kept for this part of the time in which nothing did.
constexpr int unchanged_part = 10;
/// Of the hits that the longest ttl would bring.
constexpr double enough_of_hits = 0.98;
constexpr double least_hit_ratio = 0.1;

constexpr std::uint64_t enough_comparisons_of_tracker = 5;
constexpr std::uint64_t enough_comparisons = 60;
constexpr std::uint64_t enough_values = 5;
/// Left out of a key.
constexpr std::size_t most_parameters = 16;

std::string count(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

/// "utm_*" for "utm_source"; the name itself for what is no tracker.
std::string name_for_key(const std::string& parameter) {
  const std::string_view tracker = tracker_of(parameter);
  return tracker.empty() ? parameter : std::string(tracker);
}

bool is_tracker(std::string_view name) {
  return !tracker_of(name).empty();
}

/// May it stand in a key as it is?
bool is_plain(std::string_view name) {
  if (name.ends_with('*')) name.remove_suffix(1);
  return !name.empty() && name.front() != '-' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
}

/// A rule that was tried under one `share`, as long as anything was seen.
struct Judged {
  TriedRule rule;
  TrialOutcome outcome;
  Causes causes;
  std::vector<std::string> lines;  ///< of parameters

  [[nodiscard]] bool is_right() const { return outcome.is_clean() && causes.unexplained == 0; }
};

class Finding {
 public:
  explicit Finding(const PatternSeen& seen)
      : observed_(seen.observed),
        kinds_(seen.kinds),
        trial_(seen.observed, seen.pattern, seen.answers) {
    suggestion_.pattern = seen.pattern;
    suggestion_.requests = seen.dropped;
  }

  Suggestion run() {
    count_answers();
    if (comparable_ == 0) return refuse(why_nothing_is_stored());
    decide();
    return std::move(suggestion_);
  }

 private:
  void count_answers() {
    std::set<std::uint64_t> users;
    for (const SeenAnswer& answer : trial_.answers()) {
      suggestion_.requests += answer.requests();
      if (answer.credentials != 0) users.insert(answer.credentials);
      if (answer.credentials == 0 && (answer.status == 401 || answer.status == 403))
        is_for_users_only_ = true;
      if (answer.identity != 0) has_identities_ = true;
      if (!answer.is_comparable) continue;
      if (trial_.is_obstructed(answer.variant)) {
        if (answer.obstacle != Detail::none) ++obstacles_[answer.obstacle];
        continue;
      }
      comparable_ += answer.requests();
      if (answer.credentials == 0) anonymous_ += answer.requests();
    }
    users_ = users.size();
  }

  [[nodiscard]] std::string why_nothing_is_stored() const {
    if (obstacles_.empty()) return "it answered nothing that could be compared";
    const auto most =
        std::max_element(obstacles_.begin(), obstacles_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    switch (most->first) {
      case Detail::set_cookie:
        return "its answers set a cookie, so each is one client's own";
      case Detail::is_private:
        return "its answers say Cache-Control: private";
      case Detail::no_store:
        return "its answers say Cache-Control: no-store";
      case Detail::vary_star:
        return "its answers say Vary: *, they depend on more than the request";
      case Detail::vary_unkeyed:
        return "its answers vary by fields other than Accept: name them in a rule's 'vary' first";
      default:
        return "its answers would not be stored: " + std::string(format_detail(most->first));
    }
  }

  Suggestion refuse(std::string why) {
    suggestion_.standing = Standing::refused;
    suggestion_.reasons.push_back(std::move(why));
    return std::move(suggestion_);
  }

  [[nodiscard]] milliseconds observed_for() const { return observed_.until() - observed_.since(); }

  /// Parameters without which each answer is the same. Those that cannot be told count.
  std::vector<std::string> find_ignored(const TriedRule& rule, std::vector<std::string>& lines) {
    std::map<std::string, std::uint64_t> names;
    for (const auto& [parameter, answers] : trial_.parameters())
      names[name_for_key(parameter)] += answers;
    std::vector<std::string> ignored;
    // Trackers first: a URL that has one is hardly ever asked for twice.
    std::vector<std::string> in_order;
    for (const auto& [name, answers] : names)
      if (is_tracker(name)) in_order.push_back(name);
    for (const auto& [name, answers] : names)
      if (!is_tracker(name)) in_order.push_back(name);
    TriedRule known = rule;
    for (const std::string& name : in_order) {
      if (known.ignored.size() + 1 > most_parameters) break;
      const Trial::Comparisons seen = trial_.compare_without(name, known);
      const std::uint64_t enough =
          is_tracker(name) ? enough_comparisons_of_tracker : enough_comparisons;
      const bool has_values = is_tracker(name) || seen.values >= enough_values;
      if (seen.different > 0) {
        lines.push_back(name + " changes the answer");
      } else if (seen.same >= enough && has_values && is_plain(name)) {
        lines.push_back(name + " does not change the answer: the same in " +
                        count(seen.same, "comparison", "comparisons"));
        known.ignored.push_back(name);
      } else {
        lines.push_back("whether " + name + " changes the answer is not clear (" +
                        count(seen.same, "comparison", "comparisons") + "): it counts");
      }
    }
    return known.ignored;
  }

  Judged judge(Share share) {
    Judged judged;
    judged.rule.share = share;
    // Whatever changes unseen shows at the longest ttl.
    judged.rule.ttl = std::max<milliseconds>(observed_for() + 1s, 10s);
    judged.rule.ignored = find_ignored(judged.rule, judged.lines);
    try_out(judged);
    if (judged.is_right() || judged.rule.ignored.empty()) return judged;
    Judged whole;
    whole.rule = judged.rule;
    whole.rule.ignored.clear();
    whole.rule.evict_on.clear();
    whole.lines.emplace_back("every query parameter counts: without some, answers differed");
    try_out(whole);
    return whole.is_right() ? whole : judged;
  }

  void try_out(Judged& judged) {
    const std::vector<Interval> intervals = trial_.intervals(judged.rule);
    judged.causes = find_causes(intervals, trial_.own_writes(), kinds_);
    for (const Cause& cause : judged.causes.named) judged.rule.evict_on.push_back(cause.prefix);
    judged.outcome = trial_.run(judged.rule);
  }

  void decide() {
    const std::uint64_t own = users_ > 0 ? trial_.count_own_answers({}) : 0;
    std::optional<Judged> everyone;
    std::optional<Judged> best;
    std::vector<std::string> against;
    const auto consider = [&](Judged judged) {
      if (!judged.is_right()) {
        against.push_back(why_wrong(judged));
        return;
      }
      if (!best || judged.outcome.hits > best->outcome.hits) best = std::move(judged);
    };
    if (users_ > 0 && own == 0 && anonymous_ > 0 && !is_for_users_only_) {
      Judged judged = judge(Share::everyone);
      if (judged.is_right() && judged.outcome.users < enough_users) {
        everyone = std::move(judged);
      } else {
        consider(std::move(judged));
      }
    } else if (own > 0) {
      against.push_back(count(own, "answer", "answers") + " differed between users");
    }
    if (anonymous_ > 0 && !best) consider(judge(Share::anonymous));
    if (has_identities_ && (!best || best->rule.share != Share::everyone))
      consider(judge(Share::per_user));
    const bool is_thin = everyone && (!best || best->outcome.hits * 2 < everyone->outcome.hits);
    if (is_thin && (!best || best->outcome.judged < enough_hits)) {
      best = std::move(everyone);
      missing_.push_back("only " + count(best->outcome.users, "user", "users") +
                         " got the same as others: " + std::to_string(enough_users) +
                         " would say that it is everyone's");
    }
    if (!best) {
      if (own > 0 && !has_identities_)
        against.emplace_back(
            "who asks cannot be told: with settings.jwt a rule could say share: per-user");
      if (against.empty())
        against.emplace_back(
            users_ > 0 ? "every request had credentials, and who asks cannot be told: with "
                         "settings.jwt a rule could say share: per-user"
                       : "no request could have been looked up");
      suggestion_.reasons = std::move(against);
      return;
    }
    settle(*std::move(best));
  }

  [[nodiscard]] std::string why_wrong(const Judged& judged) const {
    const ShadowReport& report = judged.outcome.report;
    if (report.users_differ > 0 || report.undecided > 0)
      return "answers differ between those who would share them";
    const std::uint64_t unseen = std::max(judged.causes.unexplained, report.changes_unseen);
    std::string why = "it changed " + count(unseen, "time", "times") +
                      " with no write before it that could be named";
    if (const std::uint64_t all = judged.causes.changes; all > unseen)
      why += " (of " + count(all, "change", "changes") + ")";
    return why + ": a task, a shell, or an answer that is different each time";
  }

  /// The ttl, and whether enough was seen.
  void settle(Judged best) {
    const bool has_changed = best.causes.changes > 0;
    const milliseconds most = has_changed ? observed_for() : observed_for() / unchanged_part;
    seconds longest = ttls.front();
    for (const seconds ttl : ttls) {
      const bool is_named = !best.rule.evict_on.empty() || ttl <= longest_without_evict_on;
      if (ttl <= most && is_named) longest = ttl;
    }
    if (most < ttls.front())
      missing_.push_back("seen for " + std::to_string(observed_for() / 1s) +
                         " s only: " + (has_changed ? "10 s" : "100 s without a change") +
                         " would allow a ttl of 10 s");
    best.rule.ttl = longest;
    const TrialOutcome most_hits = trial_.run(best.rule);
    TrialOutcome outcome = most_hits;
    for (const seconds ttl : ttls) {
      if (ttl >= longest) break;
      TriedRule shorter = best.rule;
      shorter.ttl = ttl;
      TrialOutcome tried = trial_.run(shorter);
      if (static_cast<double>(tried.hits) < static_cast<double>(most_hits.hits) * enough_of_hits)
        continue;
      best.rule = std::move(shorter);
      outcome = std::move(tried);
      break;
    }
    tell(best, outcome);
  }

  void tell(const Judged& best, const TrialOutcome& outcome) {
    Suggestion& told = suggestion_;
    told.rule = best.rule;
    told.hits = outcome.hits;
    told.judged = best.outcome.judged;
    told.stale_bound = upper_bound_of_rate(0, told.judged);
    told.saved = outcome.saved;
    tell_who(best);
    tell_changes(best);
    told.lines.insert(told.lines.end(), best.lines.begin(), best.lines.end());
    set_ratio();
    if (told.hit_ratio < least_hit_ratio && told.requests >= enough_hits) {
      told.standing = Standing::refused;
      told.reasons.emplace_back("hardly anything would have been found stored");
      return;
    }
    if (told.judged < enough_hits)
      missing_.push_back("nothing wrong in " + count(told.judged, "hit", "hits") + ": " +
                         std::to_string(enough_hits) + " would say more");
    told.reasons = missing_;
    told.standing = missing_.empty() ? Standing::suggested : Standing::unsure;
  }

  void set_ratio() {
    Suggestion& told = suggestion_;
    if (told.requests == 0) return;
    told.hit_ratio = static_cast<double>(told.hits) / static_cast<double>(told.requests);
    told.least_hit_ratio = 1 - upper_bound_of_rate(told.requests - told.hits, told.requests);
  }

  void tell_who(const Judged& best) {
    std::vector<std::string>& lines = suggestion_.lines;
    const std::uint64_t users = best.outcome.users;
    switch (best.rule.share) {
      case Share::everyone:
        lines.push_back("the same for " + count(users, "user", "users") +
                        " and for requests without credentials");
        break;
      case Share::per_user:
        lines.push_back(count(users, "user", "users") + " had answers of their own again");
        break;
      case Share::anonymous:
        lines.emplace_back(users_ == 0
                               ? "no request had credentials"
                               : "requests with credentials are passed on: " +
                                     std::string(anonymous_ < comparable_
                                                     ? "not enough says that theirs is the same"
                                                     : "they got nothing to compare"));
        break;
    }
  }

  void tell_changes(const Judged& best) {
    std::vector<std::string>& lines = suggestion_.lines;
    const Causes& causes = best.causes;
    if (causes.changes == 0) {
      lines.emplace_back("no change came: name in evict_on what changes it");
      return;
    }
    if (causes.evicted_anyway > 0)
      lines.push_back(count(causes.evicted_anyway, "change", "changes") +
                      " came after writes to its own path, which evict by themselves");
    for (const Cause& cause : causes.named)
      lines.push_back(count(cause.changes, "change", "changes") + " came after " +
                      count(cause.writes, "write", "writes") + " to " + cause.prefix + " (of " +
                      std::to_string(cause.seen) + " seen)");
  }

  const Observations& observed_;
  std::span<const WriteKind> kinds_;
  Trial trial_;
  Suggestion suggestion_;
  std::map<Detail, std::uint64_t> obstacles_;
  std::vector<std::string> missing_;
  std::uint64_t comparable_ = 0;
  std::uint64_t anonymous_ = 0;
  std::uint64_t users_ = 0;
  bool has_identities_ = false;
  bool is_for_users_only_ = false;
};

}  // namespace

Suggestion suggest_for(const PatternSeen& seen) {
  return Finding(seen).run();
}

}  // namespace larder::policy
