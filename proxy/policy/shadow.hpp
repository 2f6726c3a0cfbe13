// Shadow: what a rule that is not switched on yet would have served, against what the origin
// answered (rule key `mode: shadow`); and what one that is switched on has served (`verify`).
//
// Keeps hashes and times alone, of a bounded number of keys, and plays the cache: what would have
// been stored, found fresh, evicted. An answer that differs from what would have been served shows
// that the rule would have been stale, or that it would have given one user what is another's. Of a
// rule that is on nothing is played: hits come compared (VerifiedHit). All times are passed in.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/cache_status.hpp"

namespace larder::policy {

using Moment = std::chrono::sys_time<std::chrono::milliseconds>;

/// One answer of the origin to a request that the rule matches.
struct ShadowAnswer {
  std::uint64_t key = 0;                  ///< hash of the cache key
  std::uint64_t user = 0;                 ///< hash of the credentials sent; zero: none were
  std::uint64_t content = 0;              ///< hash of status, Content-Type and content
  std::span<const std::uint64_t> tags{};  ///< hashes of those the response would have had
  Moment asked{};                         ///< the request's head had arrived
  Moment answered{};                      ///< the last of the content had arrived
  std::chrono::milliseconds lifetime{0};  ///< it would have been fresh for
  Detail obstacle = Detail::none;         ///< why it would not have been stored
  bool is_comparable = true;  ///< false: an error, a 304, a coding not read: `content` says nothing
  std::string_view target{};  ///< to be named as an example
};

/// A hit of a rule that is on, and what the origin said when it was asked again.
struct VerifiedHit {
  enum class Finding : std::uint8_t {
    same,
    changed,       ///< something else than is stored, with nothing to tell of it
    users_differ,  ///< as stored for nobody in particular, something else for who asked
    not_judged,    ///< a write was under way, or the answer says nothing
  };
  Finding finding = Finding::not_judged;
  std::span<const std::uint64_t> tags{};  ///< hashes of the stored response's
  Moment stored{};                        ///< it came from the origin
  Moment asked{};                         ///< the hit
  Moment answered{};                      ///< the origin's answer had arrived
  Detail obstacle = Detail::none;         ///< why that answer would not have been stored
  std::string_view target{};              ///< to be named as an example
};

/// A write that may have changed something, as it was answered.
struct ShadowWrite {
  std::span<const std::uint64_t> tags{};  ///< hashes of those it evicts; empty: it concerns no rule
  std::string_view method{};
  std::string_view shape{};  ///< of its path (policy/path_shape)
  Moment answered{};
};

/// A kind of write that came before changes which no eviction told of.
struct Suspect {
  std::string method;
  std::string shape;
  std::uint64_t preceded = 0;  ///< unseen changes with such a write before them
  std::uint64_t seen = 0;      ///< such writes in all
  bool operator==(const Suspect&) const = default;
};

/// Counts of answers, but for what says otherwise.
struct ShadowReport {
  /// Of a rule that is on: `requests` and `hits` are those that were verified, `misses` none.
  bool is_live = false;
  std::uint64_t requests = 0;  ///< all that the rule matched
  std::uint64_t hits = 0;      ///< would have been answered from the store
  std::uint64_t misses = 0;
  std::uint64_t stale_hits = 0;              ///< of `hits`: what would have been served was old
  std::uint64_t stale_with_credentials = 0;  ///< of those: whoever asked had sent some
  std::uint64_t users_differ = 0;            ///< of `hits`: it would have been another user's
  std::uint64_t undecided = 0;  ///< of `hits`: one of the two, and it never showed which
  /// Of `hits`, not judged: a write came in between, or the answer was not to be compared.
  std::uint64_t not_judged = 0;
  std::uint64_t changes_noticed = 0;          ///< changes that an eviction told of
  std::uint64_t changes_unseen = 0;           ///< changes that none did, while something was stored
  std::map<Detail, std::uint64_t> refused{};  ///< would not have been stored
  std::vector<Suspect> suspects{};            ///< most likely first, at most five
  std::string stale_example{};                ///< target; empty: none
  std::string users_example{};
  double sampled = 1;  ///< part of the keys that `hits` and all behind it were counted on
  std::chrono::milliseconds observed{0};  ///< from the first answer to the last
};

/// Of one rule. Not thread-safe.
class Shadow {
 public:
  /// `seed`: random, chooses which keys are kept when there are too many. `is_live`: of a rule that
  /// is on.
  explicit Shadow(std::uint64_t seed, bool is_live = false) : seed_(seed | 1) {
    counts_.is_live = is_live;
  }

  void note(const ShadowAnswer& answer);
  void note(const ShadowWrite& write);
  /// Of a change: the kind of write that most likely made it, if one came before it that evicted
  /// nothing of this.
  std::optional<Suspect> note(const VerifiedHit& hit);
  [[nodiscard]] ShadowReport report() const;
  /// As in the report, which costs more.
  [[nodiscard]] std::uint64_t hits() const { return counts_.hits; }

  static constexpr std::size_t most_keys = 4096;
  static constexpr std::size_t most_evicted_tags = 16'384;
  static constexpr std::size_t most_recent_writes = 256;
  static constexpr std::size_t most_suspects = 64;

 private:
  struct Seen {
    std::uint64_t user = 0;
    std::uint64_t content = 0;
  };
  /// Something other than what is stored came for another user: theirs, or a change?
  struct Doubt {
    std::uint64_t user = 0;
    std::uint64_t content = 0;
    std::uint64_t hits = 0;  ///< that wait for the answer
    Moment asked{};
    std::string target;
  };
  struct Entry {
    std::uint64_t user = 0;
    std::uint64_t content = 0;
    std::vector<std::uint64_t> tags;
    Moment asked{};
    Moment fresh_until{};
    std::array<Seen, 4> others{};  ///< what other users got, the latest first
    Doubt doubt;                   ///< of no hits: there is none
    bool is_stale = false;         ///< it has shown already
  };

  [[nodiscard]] bool is_sampled(std::uint64_t key) const;
  void make_room();
  [[nodiscard]] bool is_evicted(const Entry& entry, Moment by) const;
  [[nodiscard]] bool wrote_between(Moment from, Moment to) const;
  void compare(Entry& entry, const ShadowAnswer& answer);
  void count_stale(Entry& entry, std::uint64_t hits, std::uint64_t user,
                   const ShadowAnswer& shown_by);
  /// The kinds of writes that were answered within this time and evicted none of these tags.
  std::vector<std::size_t> accuse(Moment from, Moment to, std::span<const std::uint64_t> tags);
  void count_users_differ(std::uint64_t hits, std::string_view target);
  void give_up_doubt(Entry& entry);
  [[nodiscard]] static bool is_likelier(const Suspect& a, const Suspect& b);
  static void remember(Entry& entry, std::uint64_t user, std::uint64_t content);

  const std::uint64_t seed_;
  std::uint64_t limit_ = ~std::uint64_t{0};  ///< keys whose mixed hash is above it are not kept
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::unordered_map<std::uint64_t, Moment> evicted_;  ///< tag -> last eviction
  Moment all_evicted_{};                               ///< when `evicted_` was last given up
  struct Write {
    Moment answered{};
    std::size_t suspect = 0;
    std::vector<std::uint64_t> tags;  ///< that it evicted
  };
  std::deque<Write> writes_;
  std::vector<Suspect> suspects_;
  Moment first_{};
  Moment last_{};
  ShadowReport counts_;
};

}  // namespace larder::policy
