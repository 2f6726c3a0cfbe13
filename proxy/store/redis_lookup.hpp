// Redis lookup: how a store over Redis answers a lookup.
//
// What memory has is verified; else the response is read from Redis, with its stamps. Each step is
// a plain function that goes on when Redis has answered: as one coroutine they took a hit 1,050
// instructions and three allocations more (tests/bench/gates --profile redis-busy). What a lookup
// needs is used again by the next one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/noted.hpp"
#include "store/presumption.hpp"
#include "store/redis_store.hpp"
#include "store/store.hpp"
#include "store/tiered_store.hpp"

namespace larder::store {

/// Large responses that somebody on this thread is reading: those who load the same from Redis
/// meanwhile share the one copy.
class LargeInUse {
 public:
  static constexpr std::size_t large = 64 * 1024;

  /// The copy in use, when it is the one that was put with these stamps; else `loaded`, which from
  /// now on is in use.
  policy::StoredResponsePointer share(std::string_view key, policy::StoredResponsePointer loaded,
                                      const Stamps& stamps);

 private:
  /// So many that nobody reads any more are kept at most.
  static constexpr std::size_t most = 256;
  struct Use {
    std::weak_ptr<const policy::StoredResponse> response;
    Stamps stamps;
  };
  std::unordered_map<std::string, Use> uses_;
};

/// Those of one worker. A lookup that is under way keeps them alive: the store may be gone by then.
class RedisLookups : public std::enable_shared_from_this<RedisLookups> {
 public:
  RedisLookups(Shared& shared, const Executor& executor, std::shared_ptr<RedisStore> redis)
      : shared_(shared),
        executor_(executor),
        redis_(std::move(redis)),
        presumption_(shared.stamps) {}

  /// As Store's.
  [[nodiscard]] auto lookup(std::string_view key, const Resource& resource) {
    return asio::async_initiate<const asio::deferred_t, void(Lookup)>(
        [this, key, resource](auto handler) {
          begin(key, resource, OnMiss::other, LookedUp(std::move(handler)));
        },
        asio::deferred);
  }
  /// `done` is called later. The key, and what `resource` speaks of, are the caller's until then.
  void begin(std::string_view key, const Resource& resource, OnMiss on_miss, LookedUp done);

 private:
  struct Underway;
  /// One that is under way.
  struct Call {
    Call(std::shared_ptr<RedisLookups> of, const Resource& resource, OnMiss next, LookedUp who,
         std::string_view key, Underway& room, const LocalStamps* local);

    std::shared_ptr<RedisLookups> all;
    std::string_view rule;
    std::size_t most_variants;
    OnMiss on_miss;
    LookedUp done;
    Noted noted;
    std::optional<MemoryStore::Found> held;  ///< what memory has, to be verified
    RedisStore::Look look;
  };
  /// With what stays for the next one.
  struct Underway {
    policy::TagText tags;
    Pipeline pipeline;
    std::optional<Call> call;
  };
  using Pointer = std::unique_ptr<Underway>;
  static constexpr std::size_t most_spare = 64;

  Pointer take_spare();
  /// `step` goes on, when Redis has answered what there is to ask.
  template <void (RedisLookups::*step)(Pointer)>
  void exchange(Pointer one);

  void verify(Pointer one);
  void ask(Pointer one);
  void presume(Underway& one);
  void note_presumption(const Underway& one);
  void take(Pointer one);
  static awaitable<void> look_again(Pointer one);
  void use(Pointer one);
  void end(Pointer one, Lookup found);

  Shared& shared_;
  const Executor executor_;
  const std::shared_ptr<RedisStore> redis_;
  LargeInUse large_;
  Presumption presumption_;
  std::vector<Pointer> spare_;
};

}  // namespace larder::store
