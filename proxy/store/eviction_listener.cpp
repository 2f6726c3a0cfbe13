#include "store/eviction_listener.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include "store/redis_greeting.hpp"
#include "store/redis_message.hpp"

namespace larder::store {

namespace {

constexpr int beats_in_heartbeat = 4;

constexpr RedisWording wording{
    .subject = "redis evictions",
    .ready = {},
    .lost = "does not tell of evictions",
    .consequence = "Each hit from memory asks it first until it does",
};

/// A beat that is late is no reason to give the connection up while it may still count.
config::RedisSettings with_patience(config::RedisSettings settings) {
  settings.timeout = std::max(settings.timeout, settings.heartbeat);
  return settings;
}

bool is_done(const Pipeline& pipeline, std::size_t command) {
  const Reply::Kind kind = pipeline.reply(command).kind;
  return kind == Reply::Kind::status || kind == Reply::Kind::array;
}

}  // namespace

EvictionListener::EvictionListener(Shared& shared, asio::io_context& context,
                                   const config::RedisSettings& settings)
    : executor_(context.get_executor()),
      shared_(shared),
      heartbeat_(settings.heartbeat),
      client_(context, with_patience(settings), shared.log, wording),
      next_beat_(executor_) {}

std::shared_ptr<EvictionListener> EvictionListener::create(Shared& shared,
                                                           asio::io_context& context,
                                                           const config::RedisSettings& settings) {
  std::shared_ptr<EvictionListener> listener(new EvictionListener(shared, context, settings));
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
}

void EvictionListener::lose() {
  shared_.coherence.lose();
  next_beat_.cancel();
}

awaitable<bool> EvictionListener::prepare(std::shared_ptr<EvictionListener> listener) {
  if (!listener) co_return false;
  EvictionListener& self = *listener;
  Pipeline asking;
  asking.add({"CLIENT", "ID"});
  co_await self.client_.exchange(asking);
  if (!asking.is_answered()) co_return false;
  const std::string id = std::to_string(asking.reply(0).number);
  Pipeline tracking;
  tracking.add({"CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", self.keys_.stamps});
  tracking.add({"SUBSCRIBE", invalidation_channel});
  co_await self.client_.exchange(tracking);
  if (!tracking.is_answered()) co_return false;
  if (!is_done(tracking, 0) || !is_done(tracking, 1)) {
    const std::size_t refused = is_done(tracking, 0) ? 1 : 0;
    const std::string line =
        fmt::format("redis: it does not tell of evictions: {}. {}",
                    printable_error(tracking.text(tracking.reply(refused))), wording.consequence);
    if (self.shared_.log.is_news(wording.subject, line, SteadyClock::now()))
      spdlog::warn("{}", line);
    // The connection is kept, so that this is not asked for again and again.
    co_return true;
  }
  const Coherence::Connection connection = self.shared_.coherence.begin();
  const std::string line = "redis: it tells of evictions, so hits from memory need not ask it";
  if (self.shared_.log.is_news(wording.subject, line, SteadyClock::now())) spdlog::info("{}", line);
  asio::co_spawn(self.executor_, beat(std::move(listener), connection), asio::detached);
  co_return true;
}

awaitable<void> EvictionListener::beat(std::shared_ptr<EvictionListener> listener,
                                       Coherence::Connection connection) {
  EvictionListener& self = *listener;
  while (self.shared_.coherence.listening() == connection) {
    const SteadyClock::time_point asked = SteadyClock::now();
    Pipeline ping;
    ping.add({"PING"});
    co_await self.client_.exchange(ping);
    if (!ping.is_answered()) co_return;
    if (!is_done(ping, 0)) {
      self.client_.distrust("it refused a PING");
      co_return;
    }
    self.shared_.coherence.believe(connection, asked, self.heartbeat_);
    self.next_beat_.expires_at(asked + self.heartbeat_ / beats_in_heartbeat);
    error_code ignored;
    co_await self.next_beat_.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
}

bool EvictionListener::hear(const Pipeline& message) {
  const std::optional<RedisMessage> heard = read_message(message);
  if (!heard) return false;
  if (const auto* changed = std::get_if<StampsChanged>(&*heard)) {
    for (const std::string_view key : changed->keys)
      shared_.stamps.evict_name(keys_.tag_name_of(key));
  } else if (std::holds_alternative<AllChanged>(*heard)) {
    shared_.stamps.evict(everything_tag);
  }
  return true;
}

std::shared_ptr<EvictionListener> make_eviction_listener(
    Shared& shared, asio::io_context& context, const std::optional<config::RedisSettings>& redis) {
  if (!redis || redis->heartbeat.count() == 0 || shared.memory.capacity() == 0) return nullptr;
  return EvictionListener::create(shared, context, *redis);
}

}  // namespace larder::store
