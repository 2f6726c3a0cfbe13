#include "store/redis_writes.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/fmt/fmt.h>

#include "store/stamps.hpp"

namespace larder::store {

using std::chrono::milliseconds;

/// What the write and the renewal of its lease have in common.
struct RedisWrites::Held {
  Held(const Executor& executor, policy::Tags of) : tags(std::move(of)), renewal(executor) {}

  const std::string holder = format_stamp(make_stamp());
  const policy::Tags tags;
  Timer renewal;
  bool is_over = false;
};

struct RedisWrites::RedisLease : Lease {
  explicit RedisLease(std::shared_ptr<Held> of) : held(std::move(of)) {}
  RedisLease(const RedisLease&) = delete;
  RedisLease& operator=(const RedisLease&) = delete;
  ~RedisLease() override {
    held->is_over = true;
    held->renewal.cancel();
  }

  const std::shared_ptr<Held> held;
};

std::shared_ptr<RedisIndex> RedisWrites::index_of(std::shared_ptr<RedisWrites> writes) {
  RedisIndex* const index = &writes->index_;
  return {std::move(writes), index};
}

std::vector<std::string> RedisWrites::stamp_keys(const policy::Tags& tags) const {
  std::vector<std::string> keys;
  keys.reserve(tags.size());
  for (const std::string& tag : tags) keys.push_back(keys_.stamp_key(tag, client_.run_id()));
  return keys;
}

void RedisWrites::add_prolonging(Pipeline& pipeline, const policy::Tags& tags) const {
  scripts_.add_prolonging(pipeline, stamp_lifetime, stamp_keys(tags));
}

void RedisWrites::look_for_scripts(const Pipeline& pipeline, std::size_t command) {
  if (!pipeline.is_answered()) return;
  const Reply& reply = pipeline.reply(command);
  if (LeaseScripts::is_forgotten(pipeline, command))
    client_.distrust("it has forgotten scripts");
  else if (reply.kind == Reply::Kind::error)
    client_.note_refusal(pipeline.text(reply));
}

// Leases ------------------------------------------------------------------------------------------

awaitable<LeasePointer> RedisWrites::begin(std::shared_ptr<RedisWrites> writes, policy::Tags tags) {
  RedisWrites& self = *writes;
  if (self.times_.lease.count() == 0 || tags.empty() || !self.client_.is_ready()) co_return nullptr;
  const auto held = std::make_shared<Held>(self.executor_, with_named_tag(std::move(tags)));
  Pipeline pipeline;
  self.scripts_.add_lease(pipeline, LeaseScripts::Step::take, held->holder, self.times_.lease,
                          self.stamp_keys(held->tags));
  co_await self.client_.exchange(pipeline);
  self.look_for_scripts(pipeline, 0);
  if (!LeaseScripts::has_run(pipeline, 0)) co_return nullptr;
  LeasePointer lease = std::make_unique<RedisLease>(held);
  const Executor executor = self.executor_;
  asio::co_spawn(executor, renew(std::move(writes), held), asio::detached);
  co_return lease;
}

awaitable<void> RedisWrites::renew(std::shared_ptr<RedisWrites> writes,
                                   std::shared_ptr<Held> held) {
  const milliseconds quarter = std::max(writes->times_.lease / 4, milliseconds(1));
  while (!held->is_over) {
    held->renewal.expires_after(quarter);
    const auto [ignored] = co_await held->renewal.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
    if (held->is_over || !writes->client_.is_ready()) continue;
    Pipeline pipeline;
    writes->scripts_.add_lease(pipeline, LeaseScripts::Step::renew, held->holder,
                               writes->times_.lease, writes->stamp_keys(held->tags));
    co_await writes->client_.exchange(pipeline);
    writes->look_for_scripts(pipeline, 0);
  }
}

awaitable<EvictOutcome> RedisWrites::end(std::shared_ptr<RedisWrites> writes, LeasePointer lease,
                                         policy::Tags evicted) {
  RedisWrites& self = *writes;
  // Every lease that is handed in has been made here.
  const std::shared_ptr<Held> held = lease ? static_cast<RedisLease&>(*lease).held : nullptr;
  lease.reset();
  evicted = with_named_tag(std::move(evicted));
  policy::Tags unchanged;
  if (held)
    std::copy_if(held->tags.begin(), held->tags.end(), std::back_inserter(unchanged),
                 [&evicted](const std::string& tag) {
                   return std::find(evicted.begin(), evicted.end(), tag) == evicted.end();
                 });
  if (evicted.empty() && unchanged.empty()) co_return EvictOutcome::done;
  const EvictOutcome failed = evicted.empty() ? EvictOutcome::done : EvictOutcome::deferred;
  if (!self.client_.is_ready()) {
    self.pending_.add(evicted);
    co_return failed;
  }
  LeaseScripts::End how = self.eviction_of(evicted);
  if (held) how.holder = held->holder;
  how.unchanged = self.stamp_keys(unchanged);
  Pipeline pipeline;
  self.scripts_.add_end(pipeline, how);
  co_await self.client_.exchange(pipeline);
  if (LeaseScripts::has_run(pipeline, 0)) {
    RedisIndex::sweep_soon(index_of(writes), evicted);
    co_return EvictOutcome::done;
  }
  // What was leased and is not evicted is left to its lease.
  self.pending_.add(evicted);
  // A connection that does not do this cannot be read from either. The next one begins with it.
  self.client_.distrust(pipeline.is_answered() ? "it refused an eviction"
                                               : "it did not acknowledge an eviction");
  co_return failed;
}

awaitable<EvictOutcome> RedisWrites::give_up(std::shared_ptr<RedisWrites> writes,
                                             LeasePointer lease, policy::Tags evicted) {
  // All of its time from now on, where `lease` may have been renewed a while ago; of what the write
  // evicts by newer rules, too. Neither is ended.
  const LeasePointer last = co_await begin(writes, evicted);
  const EvictOutcome outcome = co_await end(std::move(writes), nullptr, std::move(evicted));
  lease.reset();
  co_return outcome;
}

void RedisWrites::cancel(std::shared_ptr<RedisWrites> writes, LeasePointer lease) {
  if (!lease) return;
  const Executor executor = writes->executor_;
  asio::co_spawn(executor, end(std::move(writes), std::move(lease), policy::Tags()),
                 asio::detached);
}

awaitable<EvictOutcome> RedisWrites::soften(std::shared_ptr<RedisWrites> writes,
                                            policy::Tags tags) {
  RedisWrites& self = *writes;
  tags = with_named_tag(std::move(tags));
  if (tags.empty()) co_return EvictOutcome::done;
  if (self.client_.is_ready()) {
    Pipeline pipeline;
    self.scripts_.add_softening(pipeline, self.stamp_keys(tags));
    co_await self.client_.exchange(pipeline);
    if (LeaseScripts::has_run(pipeline, 0)) co_return EvictOutcome::done;
    self.client_.distrust(pipeline.is_answered() ? "it refused a soft purge"
                                                 : "it did not acknowledge a soft purge");
  }
  // What is purged must not stay as it is: it goes when Redis is back.
  self.pending_.add(tags);
  co_return EvictOutcome::deferred;
}

// Evictions ---------------------------------------------------------------------------------------

LeaseScripts::End RedisWrites::eviction_of(const policy::Tags& tags) const {
  // While everything settles it has a stamp, which the next connection is to believe.
  const bool is_of_all = std::find(tags.begin(), tags.end(), everything_tag) != tags.end();
  return {.holder = {},
          .evicted = stamp_keys(tags),
          .unchanged = {},
          .history = is_of_all ? client_.history() : 0,
          .settle = times_.settle,
          .stamp_lifetime = stamp_lifetime};
}

void RedisWrites::add_eviction(Pipeline& pipeline, const policy::Tags& tags) const {
  scripts_.add_end(pipeline, eviction_of(tags));
}

void RedisWrites::discard(std::shared_ptr<RedisWrites> writes, const policy::Tags& tags) {
  Pipeline pipeline;
  writes->add_eviction(pipeline, tags);
  RedisIndex::send_behind(index_of(std::move(writes)), std::move(pipeline));
}

awaitable<bool> RedisWrites::prepare(std::shared_ptr<RedisWrites> writes) {
  RedisWrites& self = *writes;
  Pipeline loading;
  LeaseScripts::add_load(loading);
  co_await self.client_.exchange(loading);
  if (!loading.is_answered()) co_return false;
  const std::string refusal = self.scripts_.read_load(loading, 0);
  if (!refusal.empty()) {
    self.client_.distrust(fmt::format("it runs no scripts: {}", refusal));
    co_return false;
  }
  const bool is_believed = co_await self.judge_everything();
  if (!is_believed) co_return false;
  const bool delivered = co_await deliver(std::move(writes));
  co_return delivered;
}

/// False: what lies in Redis may be from before, and could not be given up.
awaitable<bool> RedisWrites::judge_everything() {
  const std::string everything = keys_.stamp_key(everything_tag, client_.run_id());
  // Without a run_id it may have been started again from an old dump, for all we know.
  bool is_believed = !client_.run_id().empty();
  const bool settles = times_.settle.count() > 0;
  if (is_believed && (client_.history() != 0 || settles)) {
    Pipeline reading;
    reading.add({"GET", everything});
    co_await client_.exchange(reading);
    if (!reading.is_answered()) co_return false;
    const Reply& stamp = reading.reply(0);
    // A master that was a replica for a while has taken over another one's data, its own old stamp
    // among them, and may have missed what was evicted meanwhile. One without a stamp may have
    // been started anew, or have taken over: what settled before, it may not know.
    is_believed = stamp.kind == Reply::Kind::text
                      ? is_stamp_of(parse_stamp(reading.text(stamp)), client_.history())
                      : !settles;
  }
  if (is_believed) co_return true;
  // As any eviction: the time for which another process lets everything settle stays.
  Pipeline pipeline;
  add_eviction(pipeline, {std::string(everything_tag)});
  co_await client_.exchange(pipeline);
  co_return LeaseScripts::has_run(pipeline, 0);
}

awaitable<bool> RedisWrites::deliver(std::shared_ptr<RedisWrites> writes) {
  RedisWrites& self = *writes;
  for (;;) {
    const PendingEvictions::Batch batch = self.pending_.some();
    if (batch.tags.empty()) co_return true;
    Pipeline pipeline;
    self.add_eviction(pipeline, batch.tags);
    co_await self.client_.exchange(pipeline);
    if (!LeaseScripts::has_run(pipeline, 0)) co_return false;
    self.pending_.delivered(batch);
    RedisIndex::sweep_soon(index_of(writes), batch.tags);
  }
}

void RedisWrites::deliver_soon(std::shared_ptr<RedisWrites> writes) {
  if (writes->delivering_) return;
  writes->delivering_ = true;
  const Executor executor = writes->executor_;
  asio::co_spawn(executor, deliver_behind(std::move(writes)), asio::detached);
}

awaitable<void> RedisWrites::deliver_behind(std::shared_ptr<RedisWrites> writes) {
  const bool delivered = co_await deliver(writes);
  writes->delivering_ = false;
  if (!delivered) writes->client_.distrust("evictions could not be delivered");
}

}  // namespace larder::store
