// Fill lock: of all replicas that miss one key at the same time, one asks the origin.
//
//   larder:1:f:<key>   who fills this key: 16 hex digits of the process, 16 of the stamps that its
//                      fill began with. Expires by itself, should its holder die
//
// A help and nothing more: whoever cannot read it, or reads what it does not understand, fills. It
// belongs to a process, in which session/collapse sees to it that one request leads. Whose stamps
// differ from the holder's has seen an eviction since: it does not wait for what is old already.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "store/pipeline.hpp"
#include "store/redis_names.hpp"
#include "store/store.hpp"

namespace larder::store {

class FillLock {
 public:
  /// `owner`: of the process, as format_stamp() makes it. `lifetime` zero: there is no lock. `keys`
  /// outlive it.
  FillLock(std::string owner, std::chrono::milliseconds lifetime, const Keyspace& keys)
      : owner_(std::move(owner)), lifetime_(std::to_string(lifetime.count())), keys_(keys) {}

  [[nodiscard]] bool is_on() const { return lifetime_ != "0"; }

  struct Claim {
    std::string filled_by;      ///< another process; empty: nobody, or nobody can say
    bool stored_since = false;  ///< current, and not what was `seen`
    bool is_misnamed = false;   ///< this process has it, under other stamps
  };
  /// Takes the lock if it is free, and reads who has it and what is stored now: `claim_commands`
  /// commands. `stamps`: those the fill will have.
  void add_claim(Pipeline& pipeline, std::string_view key, const Stamps& stamps) const;
  static constexpr std::size_t claim_commands = 3;
  /// `command`: the first of them. `seen`: what a lookup found under the key; null: nothing.
  [[nodiscard]] Claim read_claim(const Pipeline& pipeline, std::size_t command,
                                 std::string_view key, const Stamps& stamps,
                                 const policy::StoredResponse* seen) const;

  /// Did the claim find the lock free?
  [[nodiscard]] static bool is_taken(const Pipeline& pipeline, std::size_t command) {
    return pipeline.reply(command).kind == Reply::Kind::status;
  }

  /// Says that this process's fill has these stamps: who made some of them became known too late.
  void add_renaming(Pipeline& pipeline, std::string_view key, const Stamps& stamps) const;

  /// Whether a fill that somebody waits for still runs.
  void add_watch(Pipeline& pipeline, std::string_view key) const;
  [[nodiscard]] static bool is_running(const Pipeline& pipeline, std::string_view key,
                                       std::string_view filled_by, const Stamps& stamps,
                                       const policy::StoredResponse* seen);

  /// Gives the lock back, if it is this process's. A Redis that allows no scripts lets it expire.
  void add_release(Pipeline& pipeline, std::string_view key) const;

 private:
  void add_set(Pipeline& pipeline, std::string_view key, const Stamps& stamps,
               std::string_view condition) const;

  void add_reading(Pipeline& pipeline, std::string_view key) const;

  std::string owner_;
  std::string lifetime_;  ///< milliseconds
  const Keyspace& keys_;
};

}  // namespace larder::store
