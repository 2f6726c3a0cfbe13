// Shadow verdict: may a rule in shadow be switched on, or one that is verified stay so? If not,
// what has to be said first?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/shadow.hpp"

namespace larder::policy {

enum class Verdict : std::uint8_t {
  promote,         ///< nothing speaks against it, and enough was seen
  holds,           ///< likewise, of a rule that is on
  too_little,      ///< nothing speaks against it yet
  no_use,          ///< nothing would have been stored, or hardly anything be found
  missing_evict,   ///< changes came unseen, and writes came before them that evict nothing here
  changes_unseen,  ///< changes came unseen, and no write through Larder before them
  users_differ,    ///< users get different answers under one key
};
/// Lower case with hyphens: "missing-evict".
[[nodiscard]] std::string_view format_verdict(Verdict verdict);
/// What it asks of whoever wrote the rule: "switch it on: ...".
[[nodiscard]] std::string_view describe(Verdict verdict, bool is_live);

struct ShadowVerdict {
  Verdict verdict = Verdict::too_little;
  double hit_ratio = 0;    ///< of what was judged
  double stale_rate = 0;   ///< of hits
  double stale_bound = 1;  ///< 95 %: the rate is not above this, were hits independent
  /// For `missing_evict`: paths to be named in `evict_on`, the likeliest first.
  std::vector<std::string> evict_on;
  /// In words: what was seen, and what to do. One sentence a line.
  std::vector<std::string> lines;
};

/// Hits after which nothing wrong says something: a stale rate of more than one in a hundred would
/// have shown with 95 % by then.
inline constexpr std::uint64_t enough_hits = 300;

[[nodiscard]] ShadowVerdict decide_verdict(const ShadowReport& report);

}  // namespace larder::policy
