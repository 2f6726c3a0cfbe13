// Redis greeting: what is said first on a new connection, and what its answers tell. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "config/config.hpp"
#include "store/pipeline.hpp"

namespace larder::store {

struct RedisFacts {
  std::string run_id;  ///< another one after each start; empty when Redis does not tell
  std::string
      memory_warning;  ///< for its operator; empty when its memory is set up as it should be
};
struct GreetingRefused {
  std::string reason;  ///< in Redis' words where it gave any; never with the password
};

/// AUTH, SELECT, PING, and what is to be known of this Redis.
[[nodiscard]] Pipeline make_greeting(const config::RedisSettings& settings);
[[nodiscard]] std::variant<RedisFacts, GreetingRefused> read_greeting(const Pipeline& greeting);

/// An error of Redis as it may be logged: printable, short, without what it quotes of a command,
/// which may be the password.
[[nodiscard]] std::string printable_error(std::string_view error);

}  // namespace larder::store
