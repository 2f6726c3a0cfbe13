#include "store/redis_figures.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>

#include "store/redis_client.hpp"
#include "store/redis_greeting.hpp"

namespace larder::store {

namespace {

constexpr std::chrono::seconds patience{2};
/// Keys are told apart by looking at so many, in so many steps.
constexpr int most_steps = 5;
constexpr std::string_view keys_a_step = "1000";
constexpr std::string_view our_prefix = "larder:";

constexpr RedisWording of_figures{
    .subject = "redis figures",
    .ready = {},
    .lost = "does not tell how full it is",
    .consequence = "Nothing depends on it",
};

/// One reading. Owned by whoever still waits for something of it.
struct Reading {
  Reading(asio::io_context& io, RedisPlace place, StateLog& log)
      : client(io, std::move(place), log, of_figures), done(io, patience) {}
  RedisClient client;
  Timer done;
  std::optional<RedisFigures> figures;
};

std::uint64_t to_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void take_memory(std::string_view info, RedisFigures& figures) {
  figures.used = to_number(find_info(info, "used_memory"));
  figures.most = to_number(find_info(info, "maxmemory"));
  figures.used_text = printable(find_info(info, "used_memory_human"));
  figures.most_text = printable(find_info(info, "maxmemory_human"));
  figures.policy = printable(find_info(info, "maxmemory_policy"));
}

awaitable<void> count_ours(std::shared_ptr<Reading> reading, RedisFigures& figures) {
  std::string cursor = "0";
  std::uint64_t seen = 0;
  std::uint64_t ours = 0;
  int steps = 0;
  do {
    Pipeline scanning;
    scanning.add({"SCAN", cursor, "COUNT", keys_a_step});
    co_await reading->client.exchange(scanning);
    if (!scanning.is_answered() || scanning.reply(0).kind != Reply::Kind::array ||
        scanning.pieces(0) < 2)
      co_return;
    cursor = scanning.text(scanning.element(0, 0));
    for (std::size_t i = 2; i < scanning.pieces(0); ++i) {
      ++seen;
      if (scanning.text(scanning.element(0, i)).starts_with(our_prefix)) ++ours;
    }
  } while (cursor != "0" && ++steps < most_steps);
  figures.is_estimate = cursor != "0";
  figures.ours = figures.is_estimate && seen > 0 ? figures.keys * ours / seen : ours;
}

awaitable<bool> ask(std::shared_ptr<Reading> reading) {
  Pipeline asking;
  asking.add({"INFO", "memory"});
  asking.add({"DBSIZE"});
  asking.add({"INFO", "stats"});
  co_await reading->client.exchange(asking);
  if (!asking.is_answered()) co_return false;
  RedisFigures figures;
  const Reply& memory = asking.reply(0);
  if (memory.kind == Reply::Kind::text) take_memory(asking.text(memory), figures);
  const Reply& keys = asking.reply(1);
  if (keys.kind == Reply::Kind::integer)
    figures.keys = static_cast<std::uint64_t>(std::max<std::int64_t>(keys.number, 0));
  const Reply& stats = asking.reply(2);
  if (stats.kind == Reply::Kind::text)
    figures.evicted = to_number(find_info(asking.text(stats), "evicted_keys"));
  co_await count_ours(reading, figures);
  reading->figures = std::move(figures);
  reading->done.cancel();
  co_return true;
}

}  // namespace

std::string warn_of(const RedisFigures& figures) {
  if (figures.policy.empty()) return {};
  if (figures.most == 0) return "Redis has no memory limit (maxmemory)";
  if (!figures.policy.starts_with("allkeys-"))
    return "Redis drops no old responses when it is full (maxmemory-policy " + figures.policy + ")";
  return {};
}

awaitable<std::optional<RedisFigures>> read_redis_figures(asio::io_context& io, RedisPlace place,
                                                          StateLog& log) {
  // Nobody's request waits for it.
  place.settings.timeout =
      std::max<std::chrono::milliseconds>(place.settings.timeout, patience / 2);
  const auto reading = std::make_shared<Reading>(io, std::move(place), log);
  // Also when `io` ends meanwhile: who asks holds the reading, and is held by its client.
  const std::shared_ptr<RedisClient> closing(&reading->client,
                                             [](RedisClient* client) { client->close(); });
  RedisClient::Events events;
  events.prepare = [weak = std::weak_ptr(reading)] { return ask(weak.lock()); };
  reading->client.start(std::move(events));
  const auto [ignored] = co_await reading->done.async_wait(asio::as_tuple(use_awaitable));
  (void)ignored;
  co_return std::move(reading->figures);
}

}  // namespace larder::store
