// Store: where stored responses live, and which of them are still current (stamps).
//
// One object for each worker, used on its thread alone, destroyed before its io_context. Dumb about
// HTTP: freshness and Vary are judged by policy. What it does promise, on every implementation
// (tests/store/store_contract.hpp): a response is returned only while every stamp it was put with
// is still current; after evict() has returned `done`, nothing put with stamps from before is ever
// returned, and after soften() it is returned as `softened` only; a failure is a value
// (`unavailable`), never an exception, and never waits longer than the Redis deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/deferred.hpp>

#include "policy/stored_response.hpp"
#include "policy/tags.hpp"
#include "store/io.hpp"
#include "store/resume.hpp"

namespace larder::store {

/// Current value of a tag's stamp: random, never a counter across restarts. 0: the tag has none
/// now.
using Stamp = std::uint64_t;
/// Of a resource's tags, and of two the store adds, in an order of the store's own
/// (store/stamps.hpp). For callers: to be handed back, and compared as a whole.
using Stamps = std::vector<Stamp>;

/// A tag that every response carries: evicting it gives up all that is stored.
inline constexpr std::string_view everything_tag = "e:";

/// What a key is about, from which its tags follow (policy::tags_of_response). Views owned by the
/// caller for as long as the call is awaited.
struct Resource {
  std::string_view rule;
  std::string_view path;
  std::string_view user{};  ///< whom it is for, where a tag tells; else empty
  /// What the rule's `tags` come to: a function of the key, as the rest.
  std::span<const std::string> rule_tags{};
  bool strict = false;  ///< no response is used whose stamps were not looked at for this lookup
  /// Responses of one URL that are kept (policy::url_with_variants); the oldest go. Zero: no bound.
  std::size_t most_variants = 0;
};

enum class Tier : std::uint8_t { none, memory, redis };

/// How a fill may begin.
struct FillStart {
  /// Current stamps of the resource's tags. Nothing: unavailable.
  std::optional<Stamps> stamps;
  /// A write is in flight, or settles, that concerns this resource: what the fill brings is for
  /// those who wait for it, and not to be stored.
  bool leased = false;
  /// Who fills this key already, under the same stamps: another process on the same Redis. Empty:
  /// nobody, as far as the store knows, and others will hear of this fill.
  std::string filled_by;
  bool stored_since = false;  ///< the lookup came too early: now there is something
};

/// What whoever looks up does should nothing be found.
enum class OnMiss : std::uint8_t { other, fill };

struct Lookup {
  policy::StoredResponsePointer response;  ///< null: nothing that may be used
  Tier tier = Tier::none;
  /// Current stamps of the resource's tags, where the store came to know them; 0 where a tag has
  /// none. Empty when it did not (a memory hit needs none), or must be asked again by whoever
  /// fills (a write is in flight).
  Stamps stamps;
  bool available = true;  ///< false: Redis could not say. Nothing may be stored for this request.
  /// A soft purge has made the response stale: it may be used as one that has just become so.
  bool softened = false;
  /// Nothing was found, as the store had presumed, and a fill began in the same round trip, as by
  /// begin_fill(): end_fill() is due. Null: none did.
  std::unique_ptr<FillStart> begun{};
};

/// Who waits for a lookup.
using LookedUp = ResumeWith<Lookup>;

enum class PutOutcome : std::uint8_t { stored, outdated, too_large, unavailable };
enum class EvictOutcome : std::uint8_t {
  done,      ///< acknowledged everywhere it has to be
  deferred,  ///< Redis did not acknowledge: remembered; this process serves nothing until it has
};

/// A write's hold on its tags, from before it is forwarded until it has been answered. Renewed
/// while it is there. Destroyed without having been ended it runs out, which counts as an eviction.
class Lease {
 public:
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  virtual ~Lease() = default;
};
using LeasePointer = std::unique_ptr<Lease>;

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// The answer when it is known without waiting; nothing: ask lookup().
  [[nodiscard]] virtual std::optional<Lookup> lookup_now(std::string_view key,
                                                         Resource resource) = 0;
  /// To be awaited at once. No coroutine of its own: a hit from Redis would pay for it.
  [[nodiscard]] auto lookup(std::string_view key, Resource resource,
                            OnMiss on_miss = OnMiss::other) {
    return asio::async_initiate<const asio::deferred_t, void(Lookup)>(
        [this, key, resource, on_miss](auto handler) {
          begin_lookup(key, resource, on_miss, LookedUp(std::move(handler)));
        },
        asio::deferred);
  }

  /// Current stamps of the resource's tags, made where missing: to be had before the origin is
  /// asked. `known` is what a lookup just returned (may be empty). `key`: what they are for; owned
  /// by the caller for as long as the call is awaited.
  [[nodiscard]] virtual awaitable<FillStart> stamps(std::string_view key, Resource resource,
                                                    Stamps known) = 0;

  /// As stamps(), for a fill that begins now; no further round trip where stamps have to be made.
  /// `seen`: what the lookup returned, may be null. Every fill that began so ends with put(),
  /// freshen() or end_fill().
  [[nodiscard]] virtual awaitable<FillStart> begin_fill(std::string key, Resource resource,
                                                        Stamps known,
                                                        policy::StoredResponsePointer seen) = 0;
  /// Is it worth waiting for the fill that begin_fill() told of? It runs, and has stored nothing
  /// yet. False when the store cannot say; never true for much longer than a filler that died.
  [[nodiscard]] virtual awaitable<bool> is_filling(std::string key, FillStart start,
                                                   policy::StoredResponsePointer seen) = 0;
  /// The fill has ended, and nothing was put: nobody need wait. Does its work behind the caller's
  /// back.
  virtual void end_fill(std::string_view key) = 0;

  /// `lifetime`: how long the response is worth keeping at all, from now. Whatever comes of it, the
  /// fill of the key has ended with it, in the same round trip.
  [[nodiscard]] virtual awaitable<PutOutcome> put(std::string key, Resource resource, Stamps stamps,
                                                  policy::StoredResponsePointer response,
                                                  std::chrono::seconds lifetime) = 0;

  /// As put(), for a response whose content is the one stored under this key already, which is not
  /// written again (RFC 9111 4.3.4).
  [[nodiscard]] virtual awaitable<PutOutcome> freshen(std::string key, Resource resource,
                                                      Stamps stamps,
                                                      policy::StoredResponsePointer response,
                                                      std::chrono::seconds lifetime) = 0;

  /// What is stored under this key is not to be used any more, by this process and by whoever looks
  /// into Redis; what another process has in its memory stays there, as when put() replaces it.
  /// False: Redis did not acknowledge.
  [[nodiscard]] virtual awaitable<bool> drop(std::string key) = 0;

  /// Before a write is forwarded: should this process not live to end it, these tags are evicted
  /// all the same. Null: no lease is needed, or none can be had; the write goes on.
  [[nodiscard]] virtual awaitable<LeasePointer> begin_write(policy::Tags tags) = 0;
  /// Makes all responses with one of these tags unusable, and ends the lease; before the write is
  /// answered. Whatever the outcome, this process returns none of them from now on. `lease`: of
  /// this store; may be null. `evicted`: more or less than what was leased, as the answer had it.
  [[nodiscard]] virtual awaitable<EvictOutcome> end_write(LeasePointer lease,
                                                          policy::Tags evicted) = 0;
  /// As end_write(), of a write that the origin may carry out yet: for as long as a lease lasts,
  /// nothing is stored of what is evicted here.
  [[nodiscard]] virtual awaitable<EvictOutcome> give_up_write(LeasePointer lease,
                                                              policy::Tags evicted) = 0;
  /// The write changed nothing. Ends the lease behind the caller's back.
  virtual void cancel_write(LeasePointer lease) = 0;

  /// An eviction that no write announced.
  [[nodiscard]] awaitable<EvictOutcome> evict(policy::Tags tags) {
    return end_write(nullptr, std::move(tags));
  }

  /// Makes all responses with one of these tags, never `everything_tag`, stale but usable, until
  /// they are put again. Where Redis does not acknowledge it, they are evicted.
  [[nodiscard]] virtual awaitable<EvictOutcome> soften(policy::Tags tags) = 0;

  /// Whether a lookup could be answered now. For readiness pages; lookups say it themselves.
  [[nodiscard]] virtual bool is_available() const { return true; }

  /// Once, when the process starts: fetches behind the caller's back what is worth having at hand.
  virtual void warm() {}
  /// Drain: leaves to the next process what that needs for warm(). Before close(); waits no longer
  /// than the Redis deadline.
  [[nodiscard]] virtual awaitable<void> leave() { co_return; }
  /// Drain: what waits is answered `unavailable` at once, and so is what still comes.
  virtual void close() {}

  /// As lookup(): `done` is called once. The key, and what the resource speaks of, are the caller's
  /// until then.
  virtual void begin_lookup(std::string_view key, Resource resource, OnMiss on_miss,
                            LookedUp done) = 0;
};

}  // namespace larder::store
