// Suggestion: which rules the traffic that was seen asks for, and why others are not to be made.
//
// A rule is suggested when, played over what was seen (policy/trial), it would never have given
// anybody something old or another's, and enough was seen for that to mean something. Whatever is
// not proven stays as it is without a rule: a parameter in the key, credentials passed on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/change_causes.hpp"
#include "policy/observation.hpp"
#include "policy/route.hpp"
#include "policy/trial.hpp"

namespace larder::policy {

enum class Standing : std::uint8_t {
  suggested,
  unsure,   ///< nothing speaks against it yet
  refused,  ///< it would be wrong, or of no use
};

struct Suggestion {
  std::string pattern;
  Standing standing = Standing::refused;
  TriedRule rule;  ///< unless refused
  /// Not suggested, while one that stands below takes some of its paths: to be named with
  /// `mode: off`.
  bool is_to_be_kept_out = false;
  std::uint64_t requests = 0;  ///< all, those of URLs that were dropped too
  std::uint64_t urls = 0;
  std::uint64_t hits = 0;
  double hit_ratio = 0;                ///< of all requests
  double least_hit_ratio = 0;          ///< 95 %, were requests independent
  std::uint64_t judged = 0;            ///< hits that were compared with what the origin said
  double stale_bound = 1;              ///< 95 %: not more of them would be wrong
  std::chrono::milliseconds saved{0};  ///< of the origin's time
  /// In words, one sentence a line: why not, or what is missing; then what was seen.
  std::vector<std::string> reasons;
  std::vector<std::string> lines;
};

struct Suggestions {
  /// As they are to stand in a file: the first that matches holds.
  std::vector<Suggestion> list;
  std::uint64_t requests = 0;  ///< that no rule answered
  std::uint64_t dropped = 0;   ///< of them: of URLs that there was no room for
  std::uint64_t unwell = 0;    ///< of them: to paths that never answered 200
  std::uint64_t unwell_paths = 0;
  std::uint64_t not_looked_at = 0;  ///< of them: of patterns beyond `most_patterns`
  std::chrono::milliseconds observed{0};
};

[[nodiscard]] Suggestions make_suggestions(const Observations& observed);

/// Patterns that are looked at: those asked for most.
inline constexpr std::size_t most_patterns = 200;
/// Users who got the same before it is taken for everyone's: more than one in seven who would not
/// have shown by then, with 95 %.
inline constexpr std::uint64_t enough_users = 20;

}  // namespace larder::policy
