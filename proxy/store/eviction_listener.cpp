#include "store/eviction_listener.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include "store/redis_connecting.hpp"
#include "store/redis_greeting.hpp"
#include "store/redis_message.hpp"

namespace larder::store {

namespace {

constexpr int beats_in_heartbeat = 4;
/// Of a connection that nothing is believed by.
constexpr std::chrono::milliseconds slow_heartbeat{4'000};

constexpr RedisWording of_evictions{
    .subject = "redis evictions",
    .ready = {},
    .lost = "does not tell of evictions",
    .consequence = "Each hit from memory asks it first until it does",
};
constexpr RedisWording of_leases{
    .subject = "redis leases",
    .ready = {},
    .lost = "does not tell of leases",
    .consequence = "Redis alone evicts for a replica that is killed until it does",
};

/// The masters of a cluster tell of their own keys only, and may change: each hit asks them.
bool is_believed(const Shared& shared, const config::RedisSettings& settings) {
  return shared.memory.capacity() > 0 && settings.heartbeat.count() > 0 &&
         settings.kind != config::RedisKind::cluster;
}

/// A beat that is late is no reason to give the connection up while it may still count. Of a
/// cluster any master will do: what is published is told by all.
RedisPlace place_of(config::RedisSettings settings, std::chrono::milliseconds heartbeat,
                    TlsContext tls) {
  settings.timeout = std::max(settings.timeout, heartbeat);
  const bool is_cluster = settings.kind == config::RedisKind::cluster;
  RedisPlace place = make_redis_place(settings, std::move(tls));
  if (is_cluster) place.root = partition_root(0);
  return place;
}

bool is_done(const Pipeline& pipeline, std::size_t command) {
  const Reply::Kind kind = pipeline.reply(command).kind;
  return kind == Reply::Kind::status || kind == Reply::Kind::array;
}

}  // namespace

EvictionListener::EvictionListener(Shared& shared, asio::io_context& context, Store& store,
                                   const config::RedisSettings& settings)
    : executor_(context.get_executor()),
      shared_(shared),
      store_(&store),
      believes_(is_believed(shared, settings)),
      heartbeat_(believes_ ? settings.heartbeat : slow_heartbeat),
      client_(context, place_of(settings, heartbeat_, shared.redis_tls), shared.log,
              believes_ ? of_evictions : of_leases),
      next_beat_(executor_),
      next_lapse_(executor_) {}

std::shared_ptr<EvictionListener> EvictionListener::create(Shared& shared,
                                                           asio::io_context& context, Store& store,
                                                           const config::RedisSettings& settings) {
  std::shared_ptr<EvictionListener> listener(
      new EvictionListener(shared, context, store, settings));
  RedisClient::Events events;
  events.prepare = [weak = std::weak_ptr(listener)] { return prepare(weak.lock()); };
  events.hear = [weak = std::weak_ptr(listener)](const Pipeline& message) {
    const std::shared_ptr<EvictionListener> self = weak.lock();
    return self && self->hear(message);
  };
  events.lost = [weak = std::weak_ptr(listener)] {
    if (const std::shared_ptr<EvictionListener> self = weak.lock()) self->lose();
  };
  listener->client_.start(std::move(events));
  return listener;
}

void EvictionListener::close() {
  client_.close();
  lose();
  store_ = nullptr;
  next_lapse_.cancel();
}

void EvictionListener::lose() {
  ++connections_;
  shared_.coherence.lose();
  next_beat_.cancel();
}

// Hearing -----------------------------------------------------------------------------------------

awaitable<bool> EvictionListener::prepare(std::shared_ptr<EvictionListener> listener) {
  if (!listener) co_return false;
  EvictionListener& self = *listener;
  // Who may not hear of leases is no witness, and hears of evictions all the same.
  Pipeline subscribing;
  subscribing.add({"SUBSCRIBE", lease_channel});
  Coherence::Connection connection = 0;
  if (self.believes_) {
    const bool tracks = co_await self.track();
    if (tracks) connection = self.shared_.coherence.begin(self.client_.run());
  }
  co_await self.client_.exchange(subscribing);
  if (!subscribing.is_answered()) co_return false;
  asio::co_spawn(self.executor_, beat(std::move(listener), connection), asio::detached);
  co_return true;
}

/// False: Redis does not allow it, or is gone.
awaitable<bool> EvictionListener::track() {
  Pipeline asking;
  asking.add({"CLIENT", "ID"});
  co_await client_.exchange(asking);
  if (!asking.is_answered()) co_return false;
  const std::string id = std::to_string(asking.reply(0).number);
  Pipeline tracking;
  tracking.add({"CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", Keyspace().stamps});
  tracking.add({"SUBSCRIBE", invalidation_channel});
  co_await client_.exchange(tracking);
  if (!tracking.is_answered()) co_return false;

  const bool tracks = is_done(tracking, 0) && is_done(tracking, 1);
  const Reply& refusal = tracking.reply(is_done(tracking, 0) ? 1 : 0);
  const std::string line =
      tracks ? "redis: it tells of evictions, so hits from memory need not ask it"
             : fmt::format("redis: it does not tell of evictions: {}. {}",
                           printable_error(tracking.text(refusal)), of_evictions.consequence);
  if (shared_.log.is_news(of_evictions.subject, line, SteadyClock::now()))
    spdlog::log(tracks ? spdlog::level::info : spdlog::level::warn, "{}", line);
  co_return tracks;
}

/// `connection`: what may be believed by it; zero: nothing.
awaitable<void> EvictionListener::beat(std::shared_ptr<EvictionListener> listener,
                                       Coherence::Connection connection) {
  EvictionListener& self = *listener;
  const std::uint64_t of_connections = self.connections_;
  while (self.connections_ == of_connections) {
    const SteadyClock::time_point asked = SteadyClock::now();
    Pipeline ping;
    ping.add({"PING"});
    co_await self.client_.exchange(ping);
    if (!ping.is_answered()) co_return;
    if (!is_done(ping, 0)) {
      self.client_.distrust("it refused a PING");
      co_return;
    }
    if (connection != 0) self.shared_.coherence.believe(connection, asked, self.heartbeat_);
    self.next_beat_.expires_at(asked + self.heartbeat_ / beats_in_heartbeat);
    error_code ignored;
    co_await self.next_beat_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
}

bool EvictionListener::hear(const Pipeline& message) {
  const std::optional<RedisMessage> heard = read_message(message);
  if (!heard) return false;
  if (const auto* changed = std::get_if<StampsChanged>(&*heard)) {
    for (const std::string_view key : changed->keys) shared_.stamps.evict_name(tag_name_of(key));
  } else if (std::holds_alternative<AllChanged>(*heard)) {
    shared_.stamps.evict(everything_tag);
  } else {
    const std::optional<LeaseMessage> lease = parse_lease_message(std::get<Published>(*heard).text);
    if (lease) witness_.hear(*lease, SteadyClock::now());
    watch_leases();
  }
  return true;
}

// Leases ------------------------------------------------------------------------------------------

void EvictionListener::watch_leases() {
  const std::optional<SteadyClock::time_point> next = witness_.next();
  if (next == watched_ || store_ == nullptr) return;
  watched_ = next;
  if (!next) {
    next_lapse_.cancel();
    return;
  }
  next_lapse_.expires_at(*next);
  next_lapse_.async_wait([listener = shared_from_this()](error_code error) {
    if (error) return;
    listener->watched_.reset();
    asio::co_spawn(listener->executor_, evict_lapsed(listener), asio::detached);
  });
}

/// What Redis does not take now is remembered, as any eviction.
awaitable<void> EvictionListener::evict_lapsed(std::shared_ptr<EvictionListener> listener) {
  policy::Tags tags = listener->witness_.take_lapsed(SteadyClock::now());
  listener->watch_leases();
  if (listener->store_ == nullptr || tags.empty()) co_return;
  const EvictOutcome ignored = co_await listener->store_->evict(std::move(tags));
  (void)ignored;
}

std::shared_ptr<EvictionListener> make_eviction_listener(
    Shared& shared, asio::io_context& context, Store& store,
    const std::optional<config::RedisSettings>& redis) {
  if (!redis) return nullptr;
  return EvictionListener::create(shared, context, store, *redis);
}

}  // namespace larder::store
