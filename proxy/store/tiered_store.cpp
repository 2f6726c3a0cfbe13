#include "store/tiered_store.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include "store/partitioned_store.hpp"
#include "store/redis_connecting.hpp"
#include "store/redis_store.hpp"
#include "store/stamps.hpp"
#include "store/warm_list.hpp"

namespace larder::store {

namespace {

/// Guards a response by the local stamps that the tags of its resource and its own had when these
/// were read.
MemoryStore::Guard make_guard(const policy::Tags& tags, const Stamps& of_resource,
                              const policy::Tags& own, const Stamps& of_own) {
  MemoryStore::Guard guard;
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (i != named_position) guard.add(LocalStamps::slot_of(tags[i]), of_resource[i]);
  for (std::size_t i = 0; i < own.size(); ++i) guard.add(LocalStamps::slot_of(own[i]), of_own[i]);
  return guard;
}

class MemoryAlone : public Store {
 public:
  explicit MemoryAlone(Shared& shared) : shared_(shared) {}

  std::optional<Lookup> lookup_now(std::string_view key, Resource resource) override {
    std::optional<MemoryStore::Found> found = shared_.memory.find(key, SteadyClock::now());
    if (found)
      return Lookup{std::move(found->response), Tier::memory, {}, !closed_, found->softened};
    const policy::Tags tags = stamped_tags(resource);
    Lookup nothing{nullptr, Tier::none, current(tags), !closed_};
    if (is_settling(tags)) nothing.stamps.clear();
    return nothing;
  }

  awaitable<Lookup> lookup(std::string_view key, Resource resource) override {
    std::optional<Lookup> found = lookup_now(key, resource);
    co_return std::move(*found);
  }

  awaitable<FillStart> stamps(std::string_view, Resource resource, Stamps known) override {
    FillStart start;
    if (closed_) co_return start;
    if (!is_complete(known)) {
      const policy::Tags tags = stamped_tags(resource);
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
    const policy::Tags tags = stamped_tags(resource);
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

  // Nothing outlives this process that a lease would have to make old.
  awaitable<LeasePointer> begin_write(policy::Tags) override { co_return nullptr; }
  awaitable<EvictOutcome> end_write(LeasePointer, policy::Tags evicted) override {
    evicted = with_named_tag(std::move(evicted));
    shared_.settling.note(evicted, SteadyClock::now());
    shared_.stamps.evict(evicted);
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
  /// For a fill that begins now. While tags settle that responses name, `named_tag` has a stamp
  /// from before: what the fill brings is not stored should it name any.
  Stamps current(const policy::Tags& tags) const {
    Stamps stamps = shared_.stamps.current(tags);
    if (!stamps.empty() && shared_.settling.is_settling(named_tag, SteadyClock::now()))
      --stamps[named_position];
    return stamps;
  }
  /// Of a resource's tags, or of a response's own. To be asked after their stamps.
  bool is_settling(const policy::Tags& tags) const {
    const SteadyClock::time_point now = SteadyClock::now();
    return std::any_of(tags.begin(), tags.end(), [this, now](const std::string& tag) {
      return tag != named_tag && shared_.settling.is_settling(tag, now);
    });
  }

  Shared& shared_;
  bool closed_ = false;
};

/// Large responses that somebody on this thread is reading: those who load the same from Redis
/// meanwhile share the one copy.
class LargeInUse {
 public:
  static constexpr std::size_t large = 64 * 1024;

  /// The copy in use, when it is the one that was put with these stamps; else `loaded`, which from
  /// now on is in use.
  policy::StoredResponsePointer share(std::string_view key, policy::StoredResponsePointer loaded,
                                      const Stamps& stamps) {
    if (loaded->content.size < large) return loaded;
    if (uses_.size() >= most)
      std::erase_if(uses_, [](const auto& use) { return use.second.response.expired(); });
    Use& use = uses_[std::string(key)];
    policy::StoredResponsePointer present = use.response.lock();
    if (present && use.stamps == stamps && present->head == loaded->head &&
        present->response_time == loaded->response_time &&
        present->content.size == loaded->content.size)
      return present;
    use = {loaded, stamps};
    return loaded;
  }

 private:
  /// So many that nobody reads any more are kept at most.
  static constexpr std::size_t most = 256;
  struct Use {
    std::weak_ptr<const policy::StoredResponse> response;
    Stamps stamps;
  };
  std::unordered_map<std::string, Use> uses_;
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
                                  shared.settling.time())),
        large_(std::make_shared<LargeInUse>()) {
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

  awaitable<Lookup> lookup(std::string_view key, Resource resource) override {
    if (hot_) hot_->note(key, resource);
    return lookup(shared_, redis_, large_, key, resource);
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

  awaitable<LeasePointer> begin_write(policy::Tags tags) override {
    return redis_->begin_write(std::move(tags));
  }
  awaitable<EvictOutcome> end_write(LeasePointer lease, policy::Tags evicted) override {
    return end_write(shared_, redis_, std::move(lease), std::move(evicted));
  }
  void cancel_write(LeasePointer lease) override { redis_->cancel_write(std::move(lease)); }
  awaitable<EvictOutcome> soften(policy::Tags tags) override {
    return soften(shared_, redis_, std::move(tags));
  }

  bool is_available() const override { return redis_->is_available(); }
  void warm() override {
    if (!hot_) return;
    ++shared_.warming;
    asio::co_spawn(executor_, warm(shared_, executor_, redis_, large_, hot_), asio::detached);
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
                              std::shared_ptr<LargeInUse> large, std::shared_ptr<WarmList> hot) {
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
    const WarmList::Look look = [&shared, redis, large](const HotKey& key) {
      return is_found(lookup(shared, redis, large, key.key, key.resource()));
    };
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
  static awaitable<bool> is_found(awaitable<Lookup> looking) {
    const Lookup found = co_await std::move(looking);
    co_return found.response != nullptr;
  }

  static awaitable<Lookup> lookup(Shared& shared, std::shared_ptr<RedisStore> redis,
                                  std::shared_ptr<LargeInUse> large, std::string_view key,
                                  Resource resource) {
    const policy::Tags tags = stamped_tags(resource);
    // Before Redis is read: whoever hears of an eviction meanwhile makes the guard old.
    Noted noted{listening(shared, *redis), {}, {}};
    std::optional<MemoryStore::Found> held = shared.memory.find(key, SteadyClock::now());
    if (held) {
      const policy::Tags own = held->response->tags.to_vector();
      policy::Tags all = tags;
      all.insert(all.end(), own.begin(), own.end());
      std::optional<RedisStore::Current> current = co_await redis->current(all);
      if (!current) {
        ++shared.failures;
        co_return Lookup{nullptr, Tier::none, {}, false};
      }
      Stamps& stamps = current->stamps;
      const Stamps own_stamps(stamps.end() - static_cast<std::ptrdiff_t>(own.size()), stamps.end());
      stamps.resize(stamps.size() - own.size());
      const Standing standing = standing_of(held->stamps, stamps, own_stamps);
      if (standing != Standing::evicted) {
        const bool softened = standing == Standing::softened;
        // A lease that runs out may be heard of late: what it guards is asked for each time.
        if (current->leased)
          stamps.clear();
        else if (!softened)
          shared.memory.note_verified(key, held->response.get(), noted.by);
        co_return Lookup{std::move(held->response), Tier::memory, std::move(stamps), true,
                         softened};
      }
      // Evicted by another replica; Redis may have what came after.
      shared.memory.erase(key, held->response.get());
    }

    const bool keeps = shared.memory.capacity() > 0;
    if (keeps) noted.local = shared.stamps.current(tags);
    RedisStore::Look look{.key = key, .tags = tags, .local = keeps ? &shared.stamps : nullptr};
    redis->ask(look);
    if (look.pipeline.commands() > 0) {
      co_await redis->exchange(look.pipeline);
      if (redis->take(look)) co_await redis->look_again(look);
    }
    RedisStore::Found& found = look.found;
    if (!found.lookup.available) ++shared.failures;
    if (found.lookup.response) {
      noted.own_local = std::move(found.own_local);
      found.lookup.response = large->share(key, std::move(found.lookup.response), found.kept);
      // What is softened does not last, and memory's own stamps do not tell it from what is not.
      if (!found.leased && !found.lookup.softened)
        keep(shared, key, tags, resource.most_variants, noted, *found.lookup.response,
             std::move(found.kept), found.left);
    }
    co_return std::move(found.lookup);
  }

  /// The connection that tells of what is evicted in this Redis; zero: none.
  static Coherence::Connection listening(const Shared& shared, const RedisStore& redis) {
    const Coherence::Connection by = shared.coherence.listening();
    return shared.coherence.hears_of(redis.run()) ? by : 0;
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
    const policy::Tags tags = stamped_tags(resource);
    const Noted noted{listening(shared, *redis), shared.stamps.current(tags),
                      shared.stamps.current(response->tags.to_vector())};
    RedisStore::Put put =
        co_await redis->put(key, resource, std::move(stamps), response, lifetime, content);
    if (put.outcome == PutOutcome::unavailable) ++shared.failures;
    if (put.outcome == PutOutcome::stored)
      keep(shared, key, tags, resource.most_variants, noted, *response, std::move(put.kept),
           lifetime);
    co_return put.outcome;
  }

  static awaitable<EvictOutcome> end_write(Shared& shared, std::shared_ptr<RedisStore> redis,
                                           LeasePointer lease, policy::Tags evicted) {
    const policy::Tags all = with_named_tag(evicted);
    shared.stamps.evict(all);
    const EvictOutcome outcome = co_await redis->end_write(std::move(lease), std::move(evicted));
    // Another thread may have noted them since, and read in Redis what was not yet evicted there.
    shared.stamps.evict(all);
    co_return outcome;
  }

  // In memory it is an eviction: what is asked for next is what Redis says of its stamps.
  static awaitable<EvictOutcome> soften(Shared& shared, std::shared_ptr<RedisStore> redis,
                                        policy::Tags tags) {
    const policy::Tags all = with_named_tag(tags);
    shared.stamps.evict(all);
    const EvictOutcome outcome = co_await redis->soften(std::move(tags));
    shared.stamps.evict(all);
    co_return outcome;
  }

  /// How things stood in this process before a response was found current in Redis.
  struct Noted {
    Coherence::Connection by = 0;
    Stamps local{};      ///< of the tags of its resource
    Stamps own_local{};  ///< of its own
  };

  static void keep(Shared& shared, std::string_view key, const policy::Tags& tags,
                   std::size_t most_variants, const Noted& noted,
                   const policy::StoredResponse& response, Stamps kept,
                   std::chrono::milliseconds lifetime) {
    if (shared.memory.capacity() == 0 || lifetime <= lifetime.zero()) return;
    const MemoryStore::Guard guard =
        make_guard(tags, noted.local, response.tags.to_vector(), noted.own_local);
    shared.memory.put(key, response, guard, {std::move(kept), noted.by},
                      SteadyClock::now() + lifetime, most_variants);
  }

  Shared& shared_;
  const Executor executor_;
  const std::shared_ptr<RedisStore> redis_;
  const std::shared_ptr<LargeInUse> large_;
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
