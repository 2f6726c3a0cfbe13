// Redis greeting: what is said first on a new connection, and what its answers tell. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "config/config.hpp"
#include "store/pipeline.hpp"

namespace larder::store {

/// AUTH, with what the settings hold; nothing when they hold no password.
void add_authentication(Pipeline& pipeline, const config::RedisSettings& settings);

/// What somebody else said, cut and without control characters: for a log line.
[[nodiscard]] std::string printable(std::string_view text);

/// The value of "name:value" in an answer to INFO; empty when it is not there.
[[nodiscard]] std::string_view find_info(std::string_view info, std::string_view name);

struct RedisFacts {
  std::string run_id;  ///< another one after each start; empty when Redis does not tell
  /// Of the history that its data have (its replication ID): another one each time it becomes a
  /// master. Empty when Redis does not tell.
  std::string history;
  std::string
      memory_warning;  ///< for its operator; empty when its memory is set up as it should be
};
struct GreetingRefused {
  std::string reason;  ///< in Redis' words where it gave any; never with the password
};

/// AUTH, SELECT, PING, and what is to be known of this Redis. In a Cluster, where there is no
/// SELECT, it is asked whether it serves the keys that begin with `root`.
[[nodiscard]] Pipeline make_greeting(const config::RedisSettings& settings,
                                     std::string_view root = {});
/// Behind Sentinels only a master will do: they may have named one that no longer is, or not yet.
[[nodiscard]] std::variant<RedisFacts, GreetingRefused> read_greeting(
    const Pipeline& greeting, const config::RedisSettings& settings);

/// An error of Redis as it may be logged: printable, short, without what it quotes of a command,
/// which may be the password.
[[nodiscard]] std::string printable_error(std::string_view error);

}  // namespace larder::store
