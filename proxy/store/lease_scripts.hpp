// Lease scripts: the steps in which stamps and the leases on them change in Redis. No I/O.
//
// The value of a stamp, and of one with leases:
//
//   0123456789abcdef
//   0123456789abcdef 89abcdef01234567:1732394830123 ...     then holder:expiry of each lease
//
// Expiry is in milliseconds of Redis' clock, so that the replicas' do not matter. Each step is one
// script, since what it writes depends on what it finds: leases of others stay, and one that has
// run out unended makes the stamp another. Scripts are loaded once a connection; each takes all
// its keys by KEYS, as Redis Cluster wants it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/pipeline.hpp"

namespace larder::store {

class LeaseScripts {
 public:
  /// Loads them: `load_commands` commands.
  static void add_load(Pipeline& pipeline);
  static constexpr std::size_t load_commands = 4;
  /// From command number `first` on. Empty: they can be called from now on; else what Redis says.
  [[nodiscard]] std::string read_load(const Pipeline& pipeline, std::size_t first);

  enum class Step : bool { take, renew };
  /// Puts the holder's lease on each key, for `time` from now. To renew one that is not there any
  /// more counts as an eviction.
  void add_lease(Pipeline& pipeline, Step step, std::string_view holder,
                 std::chrono::milliseconds time, const std::vector<std::string>& keys) const;

  struct End {
    std::string_view holder;  ///< empty: an eviction without a lease of one's own
    std::vector<std::string> evicted;
    std::vector<std::string> unchanged;  ///< leased, and not to be evicted unless the lease is lost
    /// Of which the new stamp has to speak (make_stamp_of); zero: of none.
    std::uint32_t history = 0;
    /// The holder's lease stays on what is evicted for so long; zero: it goes.
    std::chrono::milliseconds settle{0};
    std::chrono::seconds stamp_lifetime{0};  ///< of a stamp that is unchanged and not leased
  };
  void add_end(Pipeline& pipeline, const End& end) const;

  /// Gives stamps that nobody leases their lifetime again.
  void add_prolonging(Pipeline& pipeline, std::chrono::seconds lifetime,
                      const std::vector<std::string>& keys) const;

  /// Gives stamps another soft part (store/stamps), whoever leases them; one that is missing stays
  /// so.
  void add_softening(Pipeline& pipeline, const std::vector<std::string>& keys) const;

  /// Was a script called, and did it run? It answers with how many stamps it made other ones.
  [[nodiscard]] static bool has_run(const Pipeline& pipeline, std::size_t command) {
    return pipeline.is_answered() && pipeline.reply(command).kind == Reply::Kind::integer;
  }
  /// Redis has forgotten the scripts: the connection has to be made anew.
  [[nodiscard]] static bool is_forgotten(const Pipeline& pipeline, std::size_t command);

 private:
  enum Name : std::size_t { lease, end, prolong, soften };

  void add_call(Pipeline& pipeline, Name name, const std::vector<std::string>& keys,
                const std::vector<std::string_view>& arguments) const;

  std::array<std::string, load_commands> names_;  ///< as Redis calls them
};

}  // namespace larder::store
