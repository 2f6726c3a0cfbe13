// Warm list: what was asked for most, left in Redis for a process that begins with an empty memory.
//
//   larder:1:w   a sorted set of hot keys (store/hot_keys). Its score is when a key was asked for,
//                in seconds, later by an hour for each doubling of how often
//
// Each worker writes its part every minute and when it drains; the set keeps no more than `most`,
// and itself for a day. Nothing is true because of it: whoever reads it looks each key up as a
// request would, stamps and all, and what does not parse is left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "store/hot_keys.hpp"
#include "store/redis_store.hpp"

namespace larder::store {

class WarmList : public std::enable_shared_from_this<WarmList> {
 public:
  /// `name`: of its key in Redis. Writes every minute from now on, until close().
  [[nodiscard]] static std::shared_ptr<WarmList> create(asio::io_context& context,
                                                        std::shared_ptr<RedisStore> redis,
                                                        std::string name, std::size_t most);

  /// This key was asked for.
  void note(std::string_view key, const Resource& resource) { keys_.note(key, resource); }
  /// Likewise, where that has to cost next to nothing: one in eight is counted.
  void note_hit(std::string_view key, const Resource& resource) {
    if (hits_++ % hits_for_one == 0) keys_.note(key, resource);
  }

  /// Writes what was asked for lately. Waits no longer than a Redis command may take.
  [[nodiscard]] static awaitable<void> write(std::shared_ptr<WarmList> list);

  struct Warming {
    std::size_t asked = 0;
    std::size_t found = 0;
  };
  /// Is what a key leads to in memory now?
  using Look = std::function<awaitable<bool>(const HotKey&)>;
  /// Looks up what the list names, the hottest first, one after the other so that clients go
  /// before; ends when `goes_on` says no, which is asked before each.
  [[nodiscard]] static awaitable<Warming> warm(std::shared_ptr<WarmList> list, Look look,
                                               std::function<bool()> goes_on);

  void close();

 private:
  static constexpr unsigned hits_for_one = 8;

  WarmList(asio::io_context& context, std::shared_ptr<RedisStore> redis, std::string name,
           std::size_t most);
  static awaitable<void> write_on(std::shared_ptr<WarmList> list);
  /// Of the sorted set, from that place on: as many as were there, and of them those that parse.
  struct Page {
    std::size_t members = 0;
    std::vector<HotKey> keys;
  };
  awaitable<Page> read(std::size_t from);

  const std::shared_ptr<RedisStore> redis_;
  const std::string name_;
  const std::size_t most_;
  HotKeys keys_;
  unsigned hits_ = 0;
  Timer next_;
  bool closed_ = false;
};

}  // namespace larder::store
