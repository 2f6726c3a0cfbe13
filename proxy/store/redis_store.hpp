// Redis store: what of a stored response is where in Redis, and which commands keep the promises.
//
//   larder:1:v:<key>   a hash of a response's two records (codec): `h` head, `b` content
//   larder:1:s:<tag>   the current stamp of a tag: 16 hex digits, random; and the leases on it
//                      (store/lease_scripts). Evicting deletes it, or makes it another one
//   larder:1:i:<tag>   a set that finds values to unlink: of a resource's tag its keys, of any
//   other
//                      tag the paths of its resources. For memory alone: nothing is true because of
//                      it
//   larder:1:u:<url>   a list of the variants of one URL, oldest first, likewise for memory alone
//   larder:1:f:<key>  who fills this key now (store/fill_lock)
//   larder:1:g:<...>   such a set after an eviction, while its values are being unlinked
//
// `everything_tag` is stamped for one run of Redis (its run_id is in the key): a Redis that was
// started again from an old dump, or another one after a failover, brings back evicted stamps and
// values alike, and none of them is believed. Any key may vanish at any time: the worst is a miss.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "config/config.hpp"
#include "store/codec.hpp"
#include "store/fill_lock.hpp"
#include "store/known_tags.hpp"
#include "store/local_stamps.hpp"
#include "store/pending_evictions.hpp"
#include "store/redis_client.hpp"
#include "store/redis_index.hpp"
#include "store/redis_names.hpp"
#include "store/redis_writes.hpp"
#include "store/state_log.hpp"
#include "store/store.hpp"

namespace larder::store {

class RedisStore : public std::enable_shared_from_this<RedisStore> {
 public:
  static constexpr std::size_t largest_content = std::size_t{16} << 20;

  struct Found {
    Lookup lookup;
    Stamps kept;  ///< of a response that was found: what it was put with
    /// What is left of its lifetime by Redis' own clock; zero: not worth keeping elsewhere.
    std::chrono::milliseconds left{0};
    /// Local stamps of its own tags, from before those in Redis were read.
    Stamps own_local;
    bool leased = false;  ///< a write is in flight on what guards it
  };
  struct Put {
    PutOutcome outcome = PutOutcome::unavailable;
    Stamps kept;  ///< of a response that was stored
  };

  /// Of a put: whether the content goes with it, or is what lies in Redis under the key.
  enum class Content : std::uint8_t { written, is_there };

  /// Connects as soon as `context` runs. `pending` and `log` outlive `context`. `process`: the name
  /// under which this process fills.
  [[nodiscard]] static std::shared_ptr<RedisStore> create(asio::io_context& context,
                                                          const RedisPlace& place, Keyspace keys,
                                                          PendingEvictions& pending, StateLog& log,
                                                          std::string process, WriteTimes times);

  /// Connected, and no eviction outstanding. Sees to it that outstanding ones are delivered.
  [[nodiscard]] bool is_available();
  /// As of RedisClient.
  [[nodiscard]] std::uint64_t run() const { return client_.run(); }
  [[nodiscard]] auto exchange(Pipeline& pipeline) { return client_.exchange(pipeline); }

  void exchange(Pipeline& pipeline, Resume resume) { client_.send(pipeline, std::move(resume)); }

  /// A lookup: what is asked in one round trip, and what came of it.
  struct Look {
    std::string_view key;
    const policy::TagText& tags;  ///< put_stamped_tags() of what the key is about
    Pipeline& pipeline;
    /// Null when nothing is kept elsewhere, and so nothing asked that only that needs: `left`,
    /// `own_local`.
    const LocalStamps* local = nullptr;
    /// The stamps that `tags` are presumed to have, zero where they have to be made: a fill begins
    /// in the same round trip. Empty: none does.
    Stamps presumed{};

    Found found{};
    policy::Tags own{};   ///< that the response named last time
    Stamps stamps{};      ///< of `tags`, as they are
    bool leased = false;  ///< one of these
    std::optional<HeadRecord> head{};
    std::size_t stamps_at = 0;           ///< the command that reads them
    std::optional<std::size_t> claim{};  ///< the first command that claims the fill lock
  };
  /// Whoever looks up has the pipeline exchanged between these two. No commands: `found` says all
  /// there is to say.
  void ask(Look& look);
  /// True: the response names other tags than those asked for, and look_again() is to be awaited.
  [[nodiscard]] bool take(Look& look);
  [[nodiscard]] awaitable<void> look_again(Look& look);
  /// The last step: whether a fill that was to begin with it has begun, or is taken back.
  void conclude(Look& look);
  /// As they are in Redis.
  struct Current {
    Stamps stamps;
    Stamps own;           ///< of a response's own tags, where these were asked for as well
    bool leased = false;  ///< one of them, `named_tag`'s of a resource apart
  };
  /// Likewise, of nothing but the stamps of its tags and its own.
  void ask_stamps(Look& look);
  /// Nothing: Redis cannot say.
  [[nodiscard]] std::optional<Current> take_stamps(Look& look);
  /// Of these tags; not made where missing. The tags are the caller's while this is awaited.
  [[nodiscard]] awaitable<std::optional<Current>> current(const policy::Tags& tags);
  [[nodiscard]] awaitable<FillStart> stamps(Resource resource, Stamps known);
  [[nodiscard]] awaitable<FillStart> begin_fill(std::string key, Resource resource, Stamps known,
                                                policy::StoredResponsePointer seen);
  [[nodiscard]] awaitable<bool> is_filling(std::string key, FillStart start,
                                           policy::StoredResponsePointer seen);
  void end_fill(std::string_view key);
  [[nodiscard]] awaitable<Put> put(std::string key, Resource resource, Stamps stamps,
                                   policy::StoredResponsePointer response,
                                   std::chrono::seconds lifetime, Content content);
  [[nodiscard]] awaitable<bool> drop(std::string key);
  [[nodiscard]] awaitable<LeasePointer> begin_write(policy::Tags tags);
  [[nodiscard]] awaitable<EvictOutcome> end_write(LeasePointer lease, policy::Tags evicted);
  [[nodiscard]] awaitable<EvictOutcome> give_up_write(LeasePointer lease, policy::Tags evicted);
  void cancel_write(LeasePointer lease);
  [[nodiscard]] awaitable<EvictOutcome> soften(policy::Tags tags);
  void close();

 private:
  /// When a tag's keys were last given their full lifetime again; what a slot forgets is renewed
  /// early.
  struct Renewal {
    std::uint32_t tag = 0;
    std::uint32_t hour = 0;
  };

  RedisStore(asio::io_context& context, const RedisPlace& place, Keyspace keys,
             PendingEvictions& pending, StateLog& log, std::string process, WriteTimes times);

  void add_stamp(Command& read, std::string_view tag) const;
  void add_stamps(Pipeline& pipeline, const policy::Tags& tags) const;
  void add_stamps(Look& look) const;
  /// Of so many tags, and behind them of so many of a response's own.
  std::optional<Current> read_stamps(const Pipeline& pipeline, std::size_t command,
                                     std::size_t tags, std::size_t own, bool of_resource);
  /// Its head, unless there is no value, or none of ours.
  void read_head(Look& look);
  /// Its response, should its stamps fit; null: Redis did not say the response's own.
  static void take_response(Look& look, const Stamps* own_stamps);
  /// A fill lock to be taken in the same round trip, and what came of it.
  struct Claiming {
    std::string_view key;
    const policy::StoredResponse* seen = nullptr;
    FillLock::Claim claim;
  };
  template <class Tags>
  void add_making(Pipeline& pipeline, const Tags& tags, Stamps& known) const;
  awaitable<std::optional<Current>> make_stamps(policy::Tags tags, Stamps known,
                                                Claiming* claiming);
  void take_claim(std::string_view key, FillLock::Claim claim, FillStart& start);
  /// Of a look that a fill begins with: before its stamps are read, and after.
  void add_beginning(Look& look) const;
  void add_claim(Look& look) const;
  bool is_renewal_due(std::string_view tag);

  static awaitable<bool> prepare(std::shared_ptr<RedisStore> store);
  std::shared_ptr<RedisIndex> index();
  std::shared_ptr<RedisWrites> writes();

  const Keyspace keys_;
  RedisClient client_;
  RedisIndex index_;
  RedisWrites writes_;
  FillLock fill_lock_;
  KnownTags known_tags_;
  std::array<Renewal, 4'096> renewals_{};
};

}  // namespace larder::store
