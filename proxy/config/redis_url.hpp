// Redis URL: where Redis is, as Django, redis-py and Celery people write it.
//
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]         rediss://: encrypted
//   unix:[//[USER:PASSWORD@]]/PATH[?db=DATABASE]
//   redis+sentinel://[...@]HOST[:PORT],.../MASTER[/DATABASE]  rediss+sentinel://
//   redis+cluster://[...@]HOST[:PORT],...                     rediss+cluster://
//
// Behind "?", as redis-py has them: db, ssl_ca_certs, ssl_cert_reqs, ssl_certfile, ssl_keyfile.
// Refusals never quote what may be a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/values.hpp"

namespace larder::config {

/// What the URL leaves out stays empty.
struct RedisUrl {
  RedisKind kind = RedisKind::single;
  Endpoint endpoint{};            ///< of a single one
  std::vector<Endpoint> seeds{};  ///< of others, at least one
  std::string master_name{};      ///< behind Sentinels
  bool is_encrypted = false;
  std::string username{};
  std::string password{};
  std::optional<int> database{};
  std::string ca{};  ///< files, PEM
  std::string certificate{};
  std::string key{};
  std::optional<bool> verify{};
};
[[nodiscard]] Parsed<RedisUrl> parse_redis_url(std::string_view text);
[[nodiscard]] Parsed<int> parse_redis_database(std::string_view text);

}  // namespace larder::config
