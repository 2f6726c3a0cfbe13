// Redis URLs: what each form means, and what is said of those that mean nothing.
#include "config/redis_url.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace larder::config;

namespace {

std::string why(const Parsed<RedisUrl>& parsed) {
  const auto* refused = std::get_if<Refused>(&parsed);
  return refused ? refused->why : std::string();
}

std::string list(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints)
    text += (text.empty() ? "" : " ") + format_endpoint(endpoint);
  return text;
}

}  // namespace

TEST_CASE("Redis URLs of one server") {
  struct Case {
    std::string text;
    std::string place;
    bool is_encrypted = false;
    std::string username;
    std::string password;
    std::optional<int> database;
  };
  const Case cases[] = {
      {"redis://redis", "redis:6379", false, "", "", {}},
      {"redis://redis/", "redis:6379", false, "", "", {}},
      {"redis://redis:7000/0", "redis:7000", false, "", "", 0},
      {"redis://[::1]:7000/15", "[::1]:7000", false, "", "", 15},
      {"redis://:secret@redis/2", "redis:6379", false, "", "secret", 2},
      {"redis://user:p%40ss%3A%2Fword@redis", "redis:6379", false, "user", "p@ss:/word", {}},
      {"redis://:p@ss:word@redis", "redis:6379", false, "", "p@ss:word", {}},
      {"redis://user@redis", "redis:6379", false, "user", "", {}},
      {"redis://redis?db=3", "redis:6379", false, "", "", 3},
      {"redis://redis/3?db=3", "redis:6379", false, "", "", 3},
      {"rediss://user:secret@redis:7000/1", "redis:7000", true, "user", "secret", 1},
      {"valkey://redis", "redis:6379", false, "", "", {}},
      {"valkeys://redis", "redis:6379", true, "", "", {}},
      {"unix:/run/redis.sock", "unix:/run/redis.sock", false, "", "", {}},
      {"unix:/run/redis.sock?db=1", "unix:/run/redis.sock", false, "", "", 1},
      {"unix:///run/redis.sock?db=1", "unix:/run/redis.sock", false, "", "", 1},
      {"unix://user:secret@/run/redis.sock", "unix:/run/redis.sock", false, "user", "secret", {}},
      {"unix:/run/a%20b.sock", "unix:/run/a b.sock", false, "", "", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<RedisUrl> parsed = parse_redis_url(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<RedisUrl>(parsed), why(parsed));
    const auto& url = std::get<RedisUrl>(parsed);
    CHECK(url.kind == RedisKind::single);
    CHECK(format_endpoint(url.endpoint) == c.place);
    CHECK(url.seeds.empty());
    CHECK(url.is_encrypted == c.is_encrypted);
    CHECK(url.username == c.username);
    CHECK(url.password == c.password);
    CHECK(url.database == c.database);
    CHECK_FALSE(url.verify);
  }
}

TEST_CASE("Redis URLs of Sentinels and clusters") {
  struct Case {
    std::string text;
    RedisKind kind;
    std::string seeds;
    std::string master_name;
    bool is_encrypted = false;
    std::optional<int> database;
  };
  const Case cases[] = {
      {"redis+sentinel://h1:26000,h2/mymaster",
       RedisKind::sentinel,
       "h1:26000 h2:26379",
       "mymaster",
       false,
       {}},
      {"redis+sentinel://u:p@h1/mymaster/2", RedisKind::sentinel, "h1:26379", "mymaster", false, 2},
      {"rediss+sentinel://[::1],h2/mymaster?db=0", RedisKind::sentinel, "[::1]:26379 h2:26379",
       "mymaster", true, 0},
      {"redis+sentinel://h1/my%20master", RedisKind::sentinel, "h1:26379", "my master", false, {}},
      {"redis+cluster://a:7000,b:7001,c",
       RedisKind::cluster,
       "a:7000 b:7001 c:6379",
       "",
       false,
       {}},
      {"redis+cluster://a/0", RedisKind::cluster, "a:6379", "", false, 0},
      {"rediss+cluster://u:p@a/", RedisKind::cluster, "a:6379", "", true, {}},
      {"valkey+cluster://a", RedisKind::cluster, "a:6379", "", false, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<RedisUrl> parsed = parse_redis_url(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<RedisUrl>(parsed), why(parsed));
    const auto& url = std::get<RedisUrl>(parsed);
    CHECK(url.kind == c.kind);
    CHECK(list(url.seeds) == c.seeds);
    CHECK(url.master_name == c.master_name);
    CHECK(url.is_encrypted == c.is_encrypted);
    CHECK(url.database == c.database);
  }
}

TEST_CASE("redis-py's options of TLS stand behind the URL") {
  const Parsed<RedisUrl> parsed = parse_redis_url(
      "rediss://redis/1?ssl_cert_reqs=none&ssl_ca_certs=/etc/ca%2Bours.pem&ssl_certfile=/etc/"
      "own.pem"
      "&ssl_keyfile=/etc/own.key");
  REQUIRE_MESSAGE(std::holds_alternative<RedisUrl>(parsed), why(parsed));
  const auto& url = std::get<RedisUrl>(parsed);
  CHECK(url.verify == false);
  CHECK(url.ca == "/etc/ca+ours.pem");
  CHECK(url.certificate == "/etc/own.pem");
  CHECK(url.key == "/etc/own.key");
  const Parsed<RedisUrl> verified = parse_redis_url("rediss://redis?ssl_cert_reqs=required");
  REQUIRE(std::holds_alternative<RedisUrl>(verified));
  CHECK(std::get<RedisUrl>(verified).verify == true);
}

TEST_CASE("what is wrong with a Redis URL is said without its password") {
  struct Case {
    std::string text;
    std::string says;
  };
  const Case cases[] = {
      {"", "no Redis URL"},
      {"redis", "no Redis URL"},
      {"redis:6379", "no Redis URL"},
      {"hunter2", "no Redis URL"},
      {"http://:hunter2@redis", "no Redis URL"},
      {"redis+sentinle://:hunter2@redis/m", "did you mean 'redis+sentinel'?"},
      {"redis+clusters://:hunter2@redis", "did you mean 'redis+cluster'?"},
      {"redis://", "no usable host"},
      {"redis://:hunter2@", "no usable host"},
      {"redis://hunter2:x", "port is no number"},
      {"redis://redis:0", "port is no number"},
      {"redis://a,b", "several are redis+sentinel:// or redis+cluster://"},
      {"redis://:hunter2@redis/x", "database is no number"},
      {"redis://:hunter2@redis/-1", "database is no number"},
      {"redis://:hunter2@redis/1/2", "database is no number"},
      {"redis://:hunter2@redis/1?db=2", "names two databases"},
      {"redis://:hunter2@redis?db=x", "db is no number"},
      {"redis://:hunter2@redis?bd=1", "did you mean 'db'?"},
      {"redis://:hunter2@redis?timeout=1", "unknown option"},
      {"redis://redis?hunter2=1", "unknown option"},
      {"redis://redis?db", "has no value"},
      {"redis://:hun?ter2@redis", "percent-encode '?'"},
      {"redis://:hun#ter2@redis", "percent-encode it"},
      {"redis://:hunter%2@redis", "broken percent-encoding"},
      {"redis://:hunter2@redis?ssl_cert_reqs=none", "for rediss:// alone"},
      {"rediss://:hunter2@redis?ssl_cert_reqs=optional", "neither required nor none"},
      {"rediss://:hunter2@redis?ssl_ca_certs=", "names no file"},
      {"redis+sentinel://:hunter2@a,b", "does not name the master"},
      {"redis+sentinel://:hunter2@a,b/", "does not name the master"},
      {"redis+sentinel://:hunter2@a,,b/m", "unusable host"},
      {"redis+sentinel://:hunter2@a/m/x", "database is no number"},
      {"redis+cluster://:hunter2@a,b/1", "database 0 alone"},
      {"redis+cluster://:hunter2@a,b:x", "port is no number"},
      {"unix:hunter2", "no usable path"},
      {"unix:", "no usable path"},
      {"unix://host/run/redis.sock", "has no host"},
      {"unix://:hunter%2@/run/redis.sock", "broken percent-encoding"},
      {"unix:/run/redis.sock?ssl_ca_certs=/a", "for rediss:// alone"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<RedisUrl> parsed = parse_redis_url(c.text);
    REQUIRE(std::holds_alternative<Refused>(parsed));
    CHECK_MESSAGE(why(parsed).find(c.says) != std::string::npos, why(parsed));
    CHECK(why(parsed).find("hun") == std::string::npos);
  }
}
