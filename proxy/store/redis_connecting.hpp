// Redis connecting: which Redis is meant, and a connected stream to it, within one deadline.
//
// A single Redis is where the settings say. The master behind Sentinels, or of a slot of a Cluster,
// is asked for at each connect, since it is another one after a failover. What is said on the
// connection is the caller's business (store/redis_greeting), also whether that Redis is a master.
#pragma once

#include <memory>
#include <string>

#include "config/config.hpp"
#include "store/io.hpp"
#include "store/redis_stream.hpp"
#include "store/redis_topology.hpp"
#include "store/tls.hpp"

namespace larder::store {

/// Which Redis is meant.
struct RedisPlace {
  config::RedisSettings settings;
  TlsContext tls;                           ///< null: not encrypted
  std::shared_ptr<RedisTopology> topology;  ///< of one worker; null: a single Redis
  std::string root;  ///< of a Cluster: what all keys of the partition begin with; else empty
};

/// As the settings say; `tls` as make_redis_tls() made it. `root` is left to the caller.
[[nodiscard]] RedisPlace make_redis_place(const config::RedisSettings& settings, TlsContext tls);

/// Null, without failure, when the settings do not encrypt.
[[nodiscard]] MadeTlsContext make_redis_tls(const config::RedisSettings& settings);

/// For messages, as long as it is not known which Redis it is.
[[nodiscard]] std::string describe(const config::RedisSettings& settings);

struct RedisConnection {
  std::shared_ptr<RedisStream> stream;  ///< null: there is none
  std::string name;                     ///< whose it is, or was to be: for messages
  std::string failure;                  ///< in words; never with the password
};

class RedisConnecting {
 public:
  RedisConnecting(const Executor& executor, RedisPlace place);

  /// Within `connect_timeout`, looking up names, asking for the master and TLS included. One at a
  /// time.
  [[nodiscard]] awaitable<RedisConnection> connect();
  /// What is being connected fails.
  void cancel();

 private:
  class Attempt;
  const Executor executor_;
  const RedisPlace place_;
  std::weak_ptr<Attempt> attempt_;
};

}  // namespace larder::store
