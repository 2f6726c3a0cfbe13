// Trial: what a rule would have done with the answers of one path pattern that were seen
// (policy/observation), played over again by policy/shadow.
//
// Tags and evictions are those of a rule in force (policy/tags), so that what is foretold of a rule
// is what it does.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policy/observation.hpp"
#include "policy/route.hpp"

namespace larder::policy {

/// What a rule that is tried says besides its path.
struct TriedRule {
  Share share = Share::anonymous;
  std::chrono::milliseconds ttl{0};
  std::vector<std::string> ignored;   ///< query parameters that are not in the key; "utm_*" too
  std::vector<std::string> evict_on;  ///< path prefixes
};

struct TrialOutcome {
  ShadowReport report;         ///< of requests that would have been looked up
  std::uint64_t requests = 0;  ///< all of the pattern
  std::uint64_t hits = 0;
  std::uint64_t judged = 0;  ///< of `hits`
  /// Different credentials whose bearers were answered by a hit.
  std::uint64_t users = 0;
  std::chrono::milliseconds saved{0};  ///< of the origin's time

  [[nodiscard]] bool is_clean() const {
    return report.changes_unseen == 0 && report.users_differ == 0 && report.undecided == 0;
  }
};

/// From one answer under a key to the next.
struct Interval {
  Moment from{};  ///< the first was asked for
  Moment to{};    ///< the second had been answered
  bool has_changed = false;
};

class Trial {
 public:
  /// `answers`: of one pattern, in the order in which they were noted. Everything outlives this.
  Trial(const Observations& observed, std::string_view pattern, std::vector<SeenAnswer> answers);

  [[nodiscard]] TrialOutcome run(const TriedRule& rule) const;
  /// Of all answers that such a rule might have given one in the place of the other.
  [[nodiscard]] std::vector<Interval> intervals(const TriedRule& rule) const;
  /// Answers that differ from what somebody else got, though who asked got the same before: they
  /// differ between users.
  [[nodiscard]] std::uint64_t count_own_answers(const std::vector<std::string>& ignored) const;

  /// Does the answer change with the parameter while everything else stays?
  struct Comparisons {
    std::uint64_t same = 0;
    std::uint64_t different = 0;
    std::uint64_t values = 0;  ///< that were compared with another
  };
  [[nodiscard]] Comparisons compare_without(const std::string& parameter,
                                            const TriedRule& rule) const;
  /// Names of query parameters, with how many answers had them.
  [[nodiscard]] std::map<std::string, std::uint64_t> parameters() const;
  /// When writes were answered that evict what such a rule stores by their own path.
  [[nodiscard]] const std::vector<Moment>& own_writes() const { return own_writes_; }
  [[nodiscard]] const std::vector<SeenAnswer>& answers() const { return answers_; }
  [[nodiscard]] bool is_obstructed(std::uint32_t variant) const;

 private:
  struct Url {
    std::string_view path;
    std::vector<std::pair<std::string, std::string>> parameters;  ///< sorted by name
    bool has_one_meaning = true;                                  ///< its query can be read
    std::vector<std::uint64_t> tags;
  };

  [[nodiscard]] bool is_asked_under(const SeenAnswer& answer, Share share) const;
  [[nodiscard]] std::uint64_t key_of(const SeenAnswer& answer, const TriedRule& rule) const;
  [[nodiscard]] std::unordered_map<std::uint32_t, std::uint64_t> hash_urls(
      const std::vector<std::string>& ignored) const;
  [[nodiscard]] bool has_write_between(Moment from, Moment to) const;

  const Observations& observed_;
  Routes routes_;  ///< the pattern's rule alone, without evict_on
  std::vector<SeenAnswer> answers_;
  std::unordered_map<std::uint32_t, Url> urls_;            ///< by place
  std::map<std::uint32_t, Detail> obstructed_;             ///< variants that would not be stored
  std::vector<std::vector<std::uint64_t>> own_evictions_;  ///< by write: hashes of tags
  std::vector<Moment> own_writes_;
  std::vector<Moment> all_writes_;
  std::vector<bool> is_near_;  ///< by write: some answer was under way
};

}  // namespace larder::policy
