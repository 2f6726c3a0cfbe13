// Config: every setting with its unit, its default and what zero means. One plain struct.
//
// Filled by config/load from (strongest first) command line, environment, and the `settings:` block
// of the rules file. rules/README.md is its reference for users; a test holds the two together.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "identity/verification.hpp"
#include "policy/route.hpp"

namespace larder::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Where a socket listens or connects, as written: host name or IP address (IPv6 without brackets)
/// and port, or a Unix socket.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string path{};  ///< of a Unix socket, absolute; empty: TCP
  [[nodiscard]] bool is_unix() const { return !path.empty(); }
  bool operator==(const Endpoint&) const = default;
};

/// Where clients connect.
struct ListenAddress {
  Endpoint endpoint;
  bool tls = false;      ///< written https://
  bool systemd = false;  ///< every socket that systemd has passed on; those named "https" with TLS
  int descriptor = -1;   ///< a socket inherited as this descriptor; -1: none
  bool operator==(const ListenAddress&) const = default;
};

/// Can others than this machine connect to what listens there? Yes for every name but localhost.
[[nodiscard]] bool is_exposed(const Endpoint& endpoint);

/// How Redis is found.
enum class RedisKind : std::uint8_t {
  single,    ///< at `endpoint`
  sentinel,  ///< the master of the name that the Sentinels at `seeds` know
  cluster,   ///< Redis Cluster: `seeds` are some of its nodes
};

/// How an encrypted Redis is spoken to. Files are PEM.
struct RedisTls {
  bool is_on = false;
  std::string ca;           ///< empty: the system's store
  bool verify = true;       ///< false: anybody may be Redis
  std::string certificate;  ///< shown to a Redis that asks; empty: none
  std::string key;
};

struct RedisSettings {
  RedisKind kind = RedisKind::single;
  Endpoint endpoint{"127.0.0.1", 6379};
  std::vector<Endpoint> seeds;
  std::string master_name;
  RedisTls tls;
  std::string username;      ///< empty: none
  std::string password;      ///< empty: no AUTH; never logged
  int database = 1;          ///< 0 is a database like any other; a Cluster has no other
  milliseconds timeout{50};  ///< for one command, queueing included
  milliseconds connect_timeout{250};
  milliseconds fill_lock{2'000};  ///< see store/fill_lock; 0: none
  milliseconds heartbeat{1'000};  ///< see store/eviction_listener; 0: memory asks at each hit
};

/// "HOST:PORT", "[IPv6]:PORT", "unix:/PATH".
[[nodiscard]] inline std::string format_endpoint(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return "unix:" + endpoint.path;
  const bool bracketed = endpoint.host.find(':') != std::string::npos;
  const std::string host = bracketed ? "[" + endpoint.host + "]" : endpoint.host;
  return host + ":" + std::to_string(endpoint.port);
}

/// One backend of the origin.
struct Upstream {
  Endpoint endpoint;
  bool is_encrypted = false;  ///< https
  bool operator==(const Upstream&) const = default;
};

/// "http://HOST:PORT", "https://HOST:PORT", "unix:/PATH".
[[nodiscard]] inline std::string format_upstream(const Upstream& upstream) {
  const std::string endpoint = format_endpoint(upstream.endpoint);
  if (upstream.endpoint.is_unix()) return endpoint;
  return (upstream.is_encrypted ? "https://" : "http://") + endpoint;
}

/// How the backends that are encrypted are spoken to. Files are PEM.
struct UpstreamTls {
  std::string ca;           ///< empty: the system's store
  bool verify = true;       ///< false: anybody may be the origin
  std::string certificate;  ///< shown to a backend that asks; empty: none
  std::string key;
  std::string server_name;  ///< asked for and verified; empty: the host of the URL
};

/// Asking a backend whether it is well, besides what its answers tell.
struct HealthCheck {
  std::string path;  ///< empty ("off"): none is asked
  std::string host;  ///< of the request; empty: the host of the URL
  milliseconds interval{5'000};
  milliseconds timeout{2'000};
  unsigned failures = 3;   ///< in a row, until no more requests are sent there
  unsigned successes = 2;  ///< in a row, until they are again
};

/// What says who asks, under `share: per-user`.
struct PerUser {
  bool by_token = true;     ///< a verified token in Authorization
  bool by_session = false;  ///< one of `session_cookies`
};

enum class LogFormat : std::uint8_t { automatic, text, json, combined };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Where spans go (OpenTelemetry Protocol over HTTP), and which.
struct Otlp {
  std::optional<Endpoint> endpoint{};  ///< nothing: no spans are made
  std::string path;                    ///< that they are posted to
  unsigned sample = 1'000'000;         ///< of a million requests that belong to no trace yet
};

struct Settings {
  std::vector<ListenAddress> listen{{.endpoint = {"0.0.0.0", 8080}}};
  unsigned listen_mode = 0660;  ///< permissions of the Unix sockets that are made
  std::string tls_certificate;  ///< PEM file, the chain, leaf first; empty: none
  std::string tls_key;          ///< PEM file; empty: none
  std::string tls_client_ca;    ///< PEM file; empty: clients are not asked for a certificate
  bool proxy_protocol = false;  ///< each connection begins with a PROXY header, v1 or v2
  std::vector<Upstream> upstreams{{{"127.0.0.1", 8000}}};  ///< at least one
  UpstreamTls upstream_tls;
  HealthCheck health_check;
  milliseconds slow_start{
      10'000};  ///< until a backend that is back has its whole share; 0: at once
  std::optional<Endpoint> admin{{"127.0.0.1", 9180}};  ///< nothing ("off"): no admin listener
  /// What a request must show that changes something; never logged. Empty: nothing may be changed.
  std::string admin_token;
  bool purge_method = false;           ///< clients with the token may send PURGE to `listen`
  std::optional<RedisSettings> redis;  ///< nothing: the memory tier alone
  std::uint64_t memory = 64ULL << 20;  ///< bytes of stored responses; 0: no memory tier
  unsigned warm = 0;                   ///< keys to fetch from Redis at start; 0: none
  milliseconds lease{10'000};          ///< see store/write_times; 0: none
  milliseconds settle{0};              ///< after an eviction nothing is stored; 0: it is at once
  unsigned threads = 0;                ///< 0: one per core
  unsigned observe = 0;                ///< distinct URLs kept for `larder suggest`; 0: none

  std::uint64_t object_limit = 8ULL << 20;  ///< bytes of content; larger responses are not stored
  std::vector<std::string> session_cookies{"sessionid"};
  PerUser per_user;
  /// Null: tokens say nothing, since nothing is there to verify them with, or `per_user` says so.
  std::shared_ptr<const identity::TokenRules> tokens;
  /// CIDR blocks whose X-Forwarded-* and Forwarded are kept and extended. Default: private ranges.
  std::vector<std::string> trusted_proxies{"127.0.0.0/8",   "::1/128",        "10.0.0.0/8",
                                           "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                                           "fc00::/7",      "fe80::/10"};

  std::uint64_t head_limit = 32 << 10;  ///< bytes of a request or response head
  std::uint64_t target_limit = 8 << 10;
  unsigned field_limit = 100;
  unsigned connection_limit = 10000;         ///< clients at once, all threads
  unsigned connections_per_address = 0;      ///< 0: none; trusted addresses have none
  unsigned request_limit = 0;                ///< in flight at once, all threads; 0: none
  unsigned requests_per_connection = 10000;  ///< 0: none
  std::uint64_t body_limit = 0;              ///< bytes of a request's content; 0: none
  std::uint64_t minimum_rate = 100;          ///< bytes a second, from and to clients; 0: none
  milliseconds rate_grace{30'000};           ///< spent waiting before minimum_rate counts

  milliseconds head_timeout{10'000};     ///< for a whole request head, from its first byte
  milliseconds idle_timeout{75'000};     ///< keep-alive without a request
  milliseconds client_timeout{30'000};   ///< without progress reading from or writing to a client
  milliseconds resolve_interval{5'000};  ///< how long an upstream's resolved name is believed
  milliseconds connect_timeout{2'000};   ///< to a backend, name lookup and TLS included
  milliseconds first_byte_timeout{120'000};     ///< from the request's end to the answer's head
  milliseconds between_bytes_timeout{120'000};  ///< within the answer; 0: none (endless streams)
  milliseconds response_timeout{3'600'000};     ///< from the answer's head to its end; 0: none
  milliseconds origin_idle_timeout{
      1'500};                       ///< pooled connections; below gunicorn's keepalive (2 s)
  unsigned origin_idle_limit = 64;  ///< pooled connections per thread
  unsigned origin_limit = 256;      ///< requests to the origin at once, all threads; 0: none
  unsigned origin_queue = 256;      ///< requests that wait for a place among them
  milliseconds origin_queue_timeout{5'000};
  milliseconds drain_timeout{30'000};  ///< after SIGTERM, for requests in flight

  LogFormat log_format = LogFormat::automatic;  ///< automatic: text on a terminal, JSON otherwise
  LogLevel log_level = LogLevel::info;
  bool access_log = true;
  unsigned log_sample = 1'000'000;  ///< of a million hits, so many have a line; all else has one
  /// Parameters of a query whose values are not shown.
  std::vector<std::string> log_hidden{"access_token", "api_key",   "password",
                                      "secret",       "signature", "token"};
  bool request_id = true;
  Otlp otlp;
};

struct Config {
  Settings settings;
  policy::Routes routes;
};

}  // namespace larder::config
