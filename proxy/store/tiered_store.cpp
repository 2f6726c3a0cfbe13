#include "store/tiered_store.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include "store/noted.hpp"
#include "store/partitioned_store.hpp"
#include "store/redis_connecting.hpp"
#include "store/redis_lookup.hpp"
#include "store/redis_store.hpp"
#include "store/stamps.hpp"
#include "store/warm_list.hpp"

namespace larder::store {

namespace {

class MemoryAlone : public Store {
 public:
  explicit MemoryAlone(Shared& shared) : shared_(shared) {}

  std::optional<Lookup> lookup_now(std::string_view key, Resource resource) override {
    std::optional<MemoryStore::Found> found = shared_.memory.find(key, SteadyClock::now());
    if (found)
      return Lookup{std::move(found->response), Tier::memory, {}, !closed_, found->softened};
    policy::TagText tags;
    put_stamped_tags(resource, tags);
    Lookup nothing{nullptr, Tier::none, current(tags), !closed_};
    if (is_settling(tags)) nothing.stamps.clear();
    return nothing;
  }

  void begin_lookup(std::string_view key, Resource resource, OnMiss, LookedUp done) override {
    std::move(done)(std::move(*lookup_now(key, resource)));
  }

  awaitable<FillStart> stamps(std::string_view, Resource resource, Stamps known) override {
    FillStart start;
    if (closed_) co_return start;
    if (!is_complete(known)) {
      policy::TagText tags;
      put_stamped_tags(resource, tags);
      known = current(tags);
      start.leased = is_settling(tags);
    }
    if (is_complete(known)) start.stamps = std::move(known);
    co_return start;
  }

  // Within a process session/collapse sees to it that one request fills.
  awaitable<FillStart> begin_fill(std::string, Resource resource, Stamps known,
                                  policy::StoredResponsePointer) override {
    FillStart start = co_await stamps({}, resource, std::move(known));
    co_return start;
  }
  awaitable<bool> is_filling(std::string, FillStart, policy::StoredResponsePointer) override {
    co_return false;
  }
  void end_fill(std::string_view) override {}

  awaitable<PutOutcome> put(std::string key, Resource resource, Stamps stamps,
                            policy::StoredResponsePointer response,
                            std::chrono::seconds lifetime) override {
    if (closed_) co_return PutOutcome::unavailable;
    policy::TagText tags;
    put_stamped_tags(resource, tags);
    if (tags.empty() || stamps.size() != tags.size() || lifetime <= lifetime.zero())
      co_return PutOutcome::outdated;
    const policy::Tags own = response->tags.to_vector();
    const Stamps of_own = shared_.stamps.current(own);
    const MemoryStore::Guard guard = make_guard(tags, stamps, own, of_own);
    // After the own tags' stamps have been read: their evictions show in `named_tag` first.
    const Stamps now = shared_.stamps.current(tags);
    if (is_settling(tags) || is_settling(own)) co_return PutOutcome::outdated;
    for (std::size_t i = 0; i < tags.size(); ++i)
      if (stamps[i] != now[i] && (i != named_position || !own.empty()))
        co_return PutOutcome::outdated;
    const bool kept = shared_.memory.put(key, *response, guard, {}, SteadyClock::now() + lifetime,
                                         resource.most_variants);
    co_return kept ? PutOutcome::stored : PutOutcome::too_large;
  }

  awaitable<PutOutcome> freshen(std::string key, Resource resource, Stamps stamps,
                                policy::StoredResponsePointer response,
                                std::chrono::seconds lifetime) override {
    return put(std::move(key), resource, std::move(stamps), std::move(response), lifetime);
  }

  awaitable<bool> drop(std::string key) override {
    shared_.memory.erase(key);
    co_return true;
  }

  // Nothing outlives this process that a lease would have to make old.
  awaitable<LeasePointer> begin_write(policy::Tags) override { co_return nullptr; }
  awaitable<EvictOutcome> end_write(LeasePointer, policy::Tags evicted) override {
    evict(std::move(evicted), shared_.times.settle);
    co_return EvictOutcome::done;
  }
  awaitable<EvictOutcome> give_up_write(LeasePointer, policy::Tags evicted) override {
    evict(std::move(evicted), std::max(shared_.times.settle, shared_.times.lease));
    co_return EvictOutcome::done;
  }
  void cancel_write(LeasePointer) override {}
  awaitable<EvictOutcome> soften(policy::Tags tags) override {
    shared_.stamps.soften(with_named_tag(std::move(tags)));
    co_return EvictOutcome::done;
  }

  bool is_available() const override { return !closed_; }
  void close() override { closed_ = true; }

 private:
  /// For so long from now on nothing is stored of them.
  void evict(policy::Tags tags, std::chrono::milliseconds settle) {
    tags = with_named_tag(std::move(tags));
    shared_.settling.note(tags, SteadyClock::now() + settle);
    shared_.stamps.evict(tags);
  }
  /// For a fill that begins now. While tags settle that responses name, `named_tag` has a stamp
  /// from before: what the fill brings is not stored should it name any.
  Stamps current(const policy::TagText& tags) const {
    Stamps stamps = shared_.stamps.current(tags);
    if (!stamps.empty() && shared_.settling.is_settling(named_tag, SteadyClock::now()))
      --stamps[named_position];
    return stamps;
  }
  /// Of a resource's tags, or of a response's own. To be asked after their stamps.
  template <class Tags>
  bool is_settling(const Tags& tags) const {
    const SteadyClock::time_point now = SteadyClock::now();
    for (std::size_t i = 0; i < tags.size(); ++i)
      if (tags[i] != named_tag && shared_.settling.is_settling(tags[i], now)) return true;
    return false;
  }

  Shared& shared_;
  bool closed_ = false;
};

/// Redis, with or without memory before it. Coroutines hold what they use after a wait: the store
/// may be gone by then.
class OverRedis : public Store {
 public:
  OverRedis(Shared& shared, asio::io_context& context, const RedisPlace& place,
            const Keyspace& keys, PendingEvictions& pending)
      : shared_(shared),
        executor_(context.get_executor()),
        redis_(RedisStore::create(context, place, keys, pending, shared.log, shared.process,
                                  shared.times)),
        lookups_(std::make_shared<RedisLookups>(shared, executor_, redis_)) {
    if (shared.warm == 0 || shared.memory.capacity() == 0) return;
    const bool is_part = place.settings.kind == config::RedisKind::cluster;
    const std::size_t most = is_part ? shared.warm / partition_count + 1 : shared.warm;
    hot_ = WarmList::create(context, redis_, keys.warm, most);
  }
  ~OverRedis() override { OverRedis::close(); }

  std::optional<Lookup> lookup_now(std::string_view key, Resource resource) override {
    const SteadyClock::time_point now = SteadyClock::now();
    const Coherence::Connection by = resource.strict ? 0 : shared_.coherence.trusted(now);
    if (by != 0 && shared_.coherence.hears_of(redis_->run())) {
      policy::StoredResponsePointer held = shared_.memory.find_verified(key, by, now);
      if (held) {
        if (hot_) hot_->note_hit(key, resource);
        return Lookup{std::move(held), Tier::memory, {}, true};
      }
    }
    if (redis_->is_available()) return {};
    return Lookup{nullptr, Tier::none, {}, false};
  }

  void begin_lookup(std::string_view key, Resource resource, OnMiss on_miss,
                    LookedUp done) override {
    if (hot_) hot_->note(key, resource);
    lookups_->begin(key, resource, on_miss, std::move(done));
  }

  awaitable<FillStart> stamps(std::string_view, Resource resource, Stamps known) override {
    return redis_->stamps(resource, std::move(known));
  }

  awaitable<FillStart> begin_fill(std::string key, Resource resource, Stamps known,
                                  policy::StoredResponsePointer seen) override {
    return begin_fill(shared_, redis_, std::move(key), resource, std::move(known), std::move(seen));
  }
  awaitable<bool> is_filling(std::string key, FillStart start,
                             policy::StoredResponsePointer seen) override {
    return redis_->is_filling(std::move(key), std::move(start), std::move(seen));
  }
  void end_fill(std::string_view key) override { redis_->end_fill(key); }

  awaitable<PutOutcome> put(std::string key, Resource resource, Stamps stamps,
                            policy::StoredResponsePointer response,
                            std::chrono::seconds lifetime) override {
    return put(shared_, redis_, std::move(key), resource, std::move(stamps), std::move(response),
               lifetime, RedisStore::Content::written);
  }

  awaitable<PutOutcome> freshen(std::string key, Resource resource, Stamps stamps,
                                policy::StoredResponsePointer response,
                                std::chrono::seconds lifetime) override {
    return put(shared_, redis_, std::move(key), resource, std::move(stamps), std::move(response),
               lifetime, RedisStore::Content::is_there);
  }

  awaitable<bool> drop(std::string key) override { return drop(shared_, redis_, std::move(key)); }

  awaitable<LeasePointer> begin_write(policy::Tags tags) override {
    return redis_->begin_write(std::move(tags));
  }
  awaitable<EvictOutcome> end_write(LeasePointer lease, policy::Tags evicted) override {
    policy::Tags all = with_named_tag(evicted);
    return evict(shared_, redis_, std::move(all),
                 redis_->end_write(std::move(lease), std::move(evicted)));
  }
  awaitable<EvictOutcome> give_up_write(LeasePointer lease, policy::Tags evicted) override {
    policy::Tags all = with_named_tag(evicted);
    return evict(shared_, redis_, std::move(all),
                 redis_->give_up_write(std::move(lease), std::move(evicted)));
  }
  void cancel_write(LeasePointer lease) override { redis_->cancel_write(std::move(lease)); }
  awaitable<EvictOutcome> soften(policy::Tags tags) override {
    // In memory it is an eviction: what is asked for next is what Redis says of its stamps.
    policy::Tags all = with_named_tag(tags);
    return evict(shared_, redis_, std::move(all), redis_->soften(std::move(tags)));
  }

  bool is_available() const override { return redis_->is_available(); }
  void warm() override {
    if (!hot_) return;
    ++shared_.warming;
    asio::co_spawn(executor_, warm(shared_, executor_, redis_, lookups_, hot_), asio::detached);
  }
  awaitable<void> leave() override {
    if (hot_) return WarmList::write(hot_);
    return Store::leave();
  }
  void close() override {
    redis_->close();
    if (hot_) hot_->close();
  }

 private:
  static constexpr std::chrono::seconds warm_time{10};
  static constexpr std::chrono::milliseconds heard_patience{250};
  static constexpr std::chrono::milliseconds warm_check{10};

  /// Through the ordinary lookup, which believes nothing but current stamps. Half of memory is left
  /// to what clients ask for meanwhile.
  static awaitable<void> warm(Shared& shared, Executor executor, std::shared_ptr<RedisStore> redis,
                              std::shared_ptr<RedisLookups> lookups,
                              std::shared_ptr<WarmList> hot) {
    const std::shared_ptr<Shared> ended(&shared, [](Shared* of) { --of->warming; });
    const SteadyClock::time_point began = SteadyClock::now();
    SteadyClock::time_point heard_by = began + warm_time;
    Timer pause(executor);
    const auto is_late = [began] { return SteadyClock::now() - began >= warm_time; };
    // What is found before evictions are heard of has to be verified once more.
    while (!is_late() && (!redis->is_available() ||
                          (shared.coherence.listening() == 0 && SteadyClock::now() < heard_by))) {
      if (redis->is_available()) heard_by = std::min(heard_by, SteadyClock::now() + heard_patience);
      error_code ignored;
      pause.expires_after(warm_check);
      co_await pause.async_wait(asio::redirect_error(use_awaitable, ignored));
      if (ignored) co_return;
    }
    const WarmList::Look look = [lookups](const HotKey& key) { return is_found(lookups, key); };
    const auto goes_on = [&shared, &redis, is_late] {
      return !is_late() && redis->is_available() &&
             shared.memory.bytes() < shared.memory.capacity() / 2;
    };
    const WarmList::Warming done = co_await WarmList::warm(hot, look, goes_on);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - began);
    spdlog::info("memory is warm: {} of {} responses found in Redis, {} ms", done.found, done.asked,
                 took.count());
  }
  static awaitable<bool> is_found(std::shared_ptr<RedisLookups> lookups, const HotKey& key) {
    const Lookup found = co_await lookups->lookup(key.key, key.resource());
    co_return found.response != nullptr;
  }

  static awaitable<FillStart> begin_fill(Shared& shared, std::shared_ptr<RedisStore> redis,
                                         std::string key, Resource resource, Stamps known,
                                         policy::StoredResponsePointer seen) {
    FillStart start =
        co_await redis->begin_fill(std::move(key), resource, std::move(known), std::move(seen));
    if (!start.stamps) ++shared.failures;
    co_return start;
  }

  static awaitable<PutOutcome> put(Shared& shared, std::shared_ptr<RedisStore> redis,
                                   std::string key, Resource resource, Stamps stamps,
                                   policy::StoredResponsePointer response,
                                   std::chrono::seconds lifetime, RedisStore::Content content) {
    policy::TagText tags;
    put_stamped_tags(resource, tags);
    const Noted noted{listening(shared, *redis), shared.stamps.current(tags),
                      shared.stamps.current(response->tags.to_vector())};
    RedisStore::Put put =
        co_await redis->put(key, resource, std::move(stamps), response, lifetime, content);
    if (put.outcome == PutOutcome::unavailable) ++shared.failures;
    if (put.outcome == PutOutcome::stored)
      keep(shared, key, tags, resource.most_variants, noted, *response, put.kept, lifetime);
    co_return put.outcome;
  }

  static awaitable<bool> drop(Shared& shared, std::shared_ptr<RedisStore> redis, std::string key) {
    shared.memory.erase(key);
    const bool dropped = co_await redis->drop(key);
    // Another thread may have found it in Redis since.
    shared.memory.erase(key);
    co_return dropped;
  }

  /// From memory, while Redis is `told`, by `redis`, which has to stay until it has been.
  static awaitable<EvictOutcome> evict(Shared& shared,
                                       [[maybe_unused]] std::shared_ptr<RedisStore> redis,
                                       policy::Tags tags, awaitable<EvictOutcome> told) {
    shared.stamps.evict(tags);
    const EvictOutcome outcome = co_await std::move(told);
    // Another thread may have noted them since, and read in Redis what was not yet evicted there.
    shared.stamps.evict(tags);
    co_return outcome;
  }

  Shared& shared_;
  const Executor executor_;
  const std::shared_ptr<RedisStore> redis_;
  const std::shared_ptr<RedisLookups> lookups_;
  std::shared_ptr<WarmList> hot_;  ///< null: nobody will ask what is hot
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Shared& shared) {
  return std::make_unique<MemoryAlone>(shared);
}

std::unique_ptr<Store> make_redis_store(Shared& shared, asio::io_context& context,
                                        const config::RedisSettings& settings) {
  RedisPlace place = make_redis_place(settings, shared.redis_tls);
  if (settings.kind != config::RedisKind::cluster)
    return std::make_unique<OverRedis>(shared, context, place, Keyspace(), shared.pending);
  std::vector<std::unique_ptr<Store>> partitions;
  for (unsigned i = 0; i < partition_count; ++i) {
    place.root = partition_root(i);
    partitions.push_back(std::make_unique<OverRedis>(shared, context, place, Keyspace(place.root),
                                                     shared.pending_of_partitions[i]));
  }
  return make_partitioned_store(context, std::move(partitions));
}

std::unique_ptr<Store> make_store(Shared& shared, asio::io_context& context,
                                  const std::optional<config::RedisSettings>& redis) {
  if (redis) return make_redis_store(shared, context, *redis);
  return make_memory_store(shared);
}

}  // namespace larder::store
