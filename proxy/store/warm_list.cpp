#include "store/warm_list.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

namespace larder::store {

namespace {

constexpr std::chrono::minutes between_writes{1};
constexpr std::string_view lifetime = "86400";  ///< seconds
constexpr double seconds_for_double = 3'600;
constexpr std::size_t members_at_once = 256;

/// Clocks of replicas need not agree to the second.
std::string score_of(std::uint32_t count) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const double later = std::log2(std::max<std::uint32_t>(count, 1)) * seconds_for_double;
  return std::to_string(now.count() + static_cast<std::int64_t>(later));
}

}  // namespace

WarmList::WarmList(asio::io_context& context, std::shared_ptr<RedisStore> redis, std::string name,
                   std::size_t most)
    : redis_(std::move(redis)),
      name_(std::move(name)),
      most_(most),
      keys_(most),
      next_(context.get_executor()) {}

std::shared_ptr<WarmList> WarmList::create(asio::io_context& context,
                                           std::shared_ptr<RedisStore> redis, std::string name,
                                           std::size_t most) {
  std::shared_ptr<WarmList> list(new WarmList(context, std::move(redis), std::move(name), most));
  asio::co_spawn(context.get_executor(), write_on(list), asio::detached);
  return list;
}

void WarmList::close() {
  closed_ = true;
  next_.cancel();
}

awaitable<void> WarmList::write_on(std::shared_ptr<WarmList> list) {
  while (!list->closed_) {
    error_code ignored;
    list->next_.expires_after(between_writes);
    co_await list->next_.async_wait(asio::redirect_error(use_awaitable, ignored));
    if (!list->closed_) co_await write(list);
  }
}

awaitable<void> WarmList::write(std::shared_ptr<WarmList> list) {
  const std::vector<HotKeys::Hot> hottest = list->keys_.hottest();
  if (hottest.empty() || !list->redis_->is_available()) co_return;
  Pipeline pipeline;
  for (std::size_t first = 0; first < hottest.size(); first += members_at_once) {
    Command add(pipeline, {"ZADD", list->name_});
    const std::size_t end = std::min(first + members_at_once, hottest.size());
    for (std::size_t i = first; i < end; ++i) {
      add.add(score_of(hottest[i].count));
      add.add(hottest[i].text);
    }
  }
  pipeline.add({"ZREMRANGEBYRANK", list->name_, "0", "-" + std::to_string(list->most_ + 1)});
  pipeline.add({"EXPIRE", list->name_, lifetime});
  list->keys_.halve();
  co_await list->redis_->exchange(pipeline);
}

awaitable<WarmList::Page> WarmList::read(std::size_t from) {
  Page page;
  Pipeline pipeline;
  pipeline.add({"ZREVRANGE", name_, std::to_string(from),
                std::to_string(std::min(from + members_at_once, most_) - 1)});
  co_await redis_->exchange(pipeline);
  if (!pipeline.is_answered()) co_return page;
  const Reply& members = pipeline.reply(0);
  if (members.kind != Reply::Kind::array) co_return page;
  page.members = static_cast<std::size_t>(members.number);
  for (std::size_t i = 0; i < page.members; ++i) {
    const Reply& member = pipeline.element(0, i);
    if (member.kind != Reply::Kind::text) continue;
    std::optional<HotKey> key = parse_hot_key(pipeline.text(member));
    if (key) page.keys.push_back(std::move(*key));
  }
  co_return page;
}

awaitable<WarmList::Warming> WarmList::warm(std::shared_ptr<WarmList> list, Look look,
                                            std::function<bool()> goes_on) {
  Warming warming;
  for (std::size_t from = 0; from < list->most_ && goes_on(); from += members_at_once) {
    const Page page = co_await list->read(from);
    for (const HotKey& key : page.keys) {
      if (!goes_on()) co_return warming;
      ++warming.asked;
      const bool found = co_await look(key);
      if (found) ++warming.found;
    }
    if (page.members < members_at_once) break;
  }
  co_return warming;
}

}  // namespace larder::store
