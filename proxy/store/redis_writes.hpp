// Redis writes: what a write does in Redis: it leases its tags before it is forwarded, and evicts
// them after. What was not acknowledged is remembered, and delivered before anything else is done.
//
// Part of a RedisStore; one for each connection. The steps themselves: store/lease_scripts. To whom
// a lease belongs that nobody ends: nobody; it runs out, which counts as an eviction.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "store/lease_scripts.hpp"
#include "store/pending_evictions.hpp"
#include "store/redis_client.hpp"
#include "store/redis_index.hpp"
#include "store/redis_names.hpp"
#include "store/store.hpp"
#include "store/write_times.hpp"

namespace larder::store {

class RedisWrites {
 public:
  static constexpr std::chrono::seconds stamp_lifetime{8 * 24 * 3600};

  /// All of them outlive this.
  RedisWrites(asio::io_context& context, RedisClient& client, RedisIndex& index,
              const Keyspace& keys, PendingEvictions& pending, WriteTimes times)
      : executor_(context.get_executor()),
        client_(client),
        index_(index),
        keys_(keys),
        pending_(pending),
        times_(times) {}

  // In what follows `writes` owns what this is part of: the work may outlast its caller.

  /// On a new connection, before anyone else uses it. False: it cannot be used.
  [[nodiscard]] static awaitable<bool> prepare(std::shared_ptr<RedisWrites> writes);

  /// As Store::begin_write(). Null as well when Redis does not answer: the write goes on without.
  [[nodiscard]] static awaitable<LeasePointer> begin(std::shared_ptr<RedisWrites> writes,
                                                     policy::Tags tags);
  [[nodiscard]] static awaitable<EvictOutcome> end(std::shared_ptr<RedisWrites> writes,
                                                   LeasePointer lease, policy::Tags evicted);
  /// As Store::give_up_write().
  [[nodiscard]] static awaitable<EvictOutcome> give_up(std::shared_ptr<RedisWrites> writes,
                                                       LeasePointer lease, policy::Tags evicted);
  static void cancel(std::shared_ptr<RedisWrites> writes, LeasePointer lease);
  /// As Store::soften().
  [[nodiscard]] static awaitable<EvictOutcome> soften(std::shared_ptr<RedisWrites> writes,
                                                      policy::Tags tags);

  /// Has Redis been told of every eviction? If not, nothing there may be used.
  [[nodiscard]] bool is_delivered() const { return !pending_.any(); }
  static void deliver_soon(std::shared_ptr<RedisWrites> writes);

  /// Evicts what nobody can use as it is, and forgets it: a key without a stamp that can be read.
  static void discard(std::shared_ptr<RedisWrites> writes, const policy::Tags& tags);
  /// Gives the stamps of these tags their lifetime again, but for those that are leased.
  void add_prolonging(Pipeline& pipeline, const policy::Tags& tags) const;
  /// Of the reply to it, or to any other script: are the scripts still there? If not, the
  /// connection is given up, so that the next one loads them. Any other refusal is logged.
  void look_for_scripts(const Pipeline& pipeline, std::size_t command);

 private:
  struct Held;
  struct RedisLease;

  static awaitable<void> renew(std::shared_ptr<RedisWrites> writes, std::shared_ptr<Held> held);
  awaitable<bool> judge_everything();
  static awaitable<bool> deliver(std::shared_ptr<RedisWrites> writes);
  static awaitable<void> deliver_behind(std::shared_ptr<RedisWrites> writes);
  /// Of these tags, by who has leased none of them.
  [[nodiscard]] LeaseScripts::End eviction_of(const policy::Tags& tags) const;
  void add_eviction(Pipeline& pipeline, const policy::Tags& tags) const;
  [[nodiscard]] std::vector<std::string> stamp_keys(const policy::Tags& tags) const;
  [[nodiscard]] static std::shared_ptr<RedisIndex> index_of(std::shared_ptr<RedisWrites> writes);

  Executor executor_;
  RedisClient& client_;
  RedisIndex& index_;
  const Keyspace& keys_;
  PendingEvictions& pending_;
  const WriteTimes times_;
  LeaseScripts scripts_;
  bool delivering_ = false;
};

}  // namespace larder::store
