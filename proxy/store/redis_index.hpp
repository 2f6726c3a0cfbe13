// Redis index: which values a tag has, so that an eviction can unlink them. For memory alone.
//
// Nothing is true because of it: a value it does not know dies by its stamps, and goes by its
// lifetime or by Redis' own eviction. Bounded and expiring. The index of a resource ("p:"), of a
// user's part of a rule ("u:") and of a tag by name ("t:") holds the names of its values, that of
// any other tag the paths of its resources: many variants of one URL are listed once. The names of
// such variants as clients make by fields of their choice stand in a list besides, oldest first, so
// that there are not too many.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "store/pipeline.hpp"
#include "store/redis_client.hpp"
#include "store/redis_names.hpp"
#include "store/store.hpp"

namespace larder::store {

class RedisIndex {
 public:
  /// `client` and `keys` live as long as what `owner` points to, in the calls below.
  RedisIndex(asio::io_context& context, RedisClient& client, const Keyspace& keys);

  /// Enters a value's name under the tags of its response; the first tag is its resource's.
  void add(Pipeline& pipeline, std::string_view name, const policy::Tags& tags) const;

  /// Now and then the indexes are to be counted, by commands in the same pipeline.
  [[nodiscard]] bool is_count_due();
  void add_counts(Pipeline& pipeline, const policy::Tags& tags) const;
  /// Drops members of those that are too large; `command`: the first of their counts.
  static void trim(std::shared_ptr<RedisIndex> index, const Pipeline& pipeline, std::size_t command,
                   const policy::Tags& tags);

  /// Enters a value's name as the newest among the variants of `url`.
  void add_variant(Pipeline& pipeline, std::string_view url, std::string_view name,
                   std::size_t most) const;
  /// What unlinks those that are too many; no command: none are. `command`: the first that
  /// add_variant() added.
  [[nodiscard]] Pipeline unlink_oldest(const Pipeline& pipeline, std::size_t command) const;

  /// Unlinks, behind the caller's back, the values of these tags, which have just been evicted.
  /// What was put since stays.
  static void sweep_soon(std::shared_ptr<RedisIndex> index, const policy::Tags& tags);
  /// Sends it and forgets it.
  static void send_behind(std::shared_ptr<RedisIndex> index, Pipeline pipeline);

 private:
  static awaitable<void> send(std::shared_ptr<RedisIndex> index, Pipeline pipeline);
  static awaitable<void> sweep(std::shared_ptr<RedisIndex> index);
  awaitable<void> sweep_paths(std::string tag, policy::Tags evicted);
  awaitable<policy::Tags> sweep_values(policy::Tags tags, policy::Tags evicted);
  void add_member(Pipeline& pipeline, std::string_view tag, std::string_view member) const;
  std::string make_garbage_name() const;
  awaitable<bool> set_aside(std::string tag, std::string garbage);

  Executor executor_;
  RedisClient& client_;
  const Keyspace& keys_;
  unsigned puts_ = 0;
  bool sweeping_ = false;
  std::map<std::string, policy::Tags> to_sweep_;  ///< by index: the tags that were evicted
};

}  // namespace larder::store
