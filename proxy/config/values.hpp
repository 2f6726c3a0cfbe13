// Values: what rules and settings write as text -> durations, sizes, addresses, and back.
//
// Knows neither YAML nor which setting a value is for. A refusal says what was expected and quotes
// what was found.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.hpp"

namespace larder::config {

struct Refused {
  std::string why;
};
template <typename Value>
using Parsed = std::variant<Value, Refused>;

/// In quotes, for a message: short, without control characters, and without the user part of a URL.
[[nodiscard]] std::string quote(std::string_view text);

/// "30s", "5m", "1h", "1d", "1h30m", "250ms"; "0" needs no unit. At most ten years.
[[nodiscard]] Parsed<milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string format_duration(milliseconds duration);

/// Bytes: "1024", "64MiB", "8mb", "1g". Units count by 1024, as in Redis and nginx.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

[[nodiscard]] Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t lowest,
                                                 std::uint64_t highest);
/// true, yes, on, 1; false, no, off, 0.
[[nodiscard]] Parsed<bool> parse_boolean(std::string_view text);

/// "HOST:PORT" with IPv6 addresses in brackets; ":8080" is every IPv4 address. Port 0: any free
/// one.
[[nodiscard]] Parsed<Endpoint> parse_listen(std::string_view text);
/// As parse_listen, and "https://HOST:PORT", "unix:/PATH", "systemd", "fd:N".
[[nodiscard]] Parsed<ListenAddress> parse_listen_address(std::string_view text);
[[nodiscard]] std::string format_listen_address(const ListenAddress& address);
/// "http://HOST[:PORT]", "https://HOST[:PORT]", "HOST:PORT", "unix:/PATH".
[[nodiscard]] Parsed<Upstream> parse_upstream(std::string_view text);
/// The path and query of a request: "/healthz".
[[nodiscard]] Parsed<std::string> parse_target(std::string_view text);
/// "unix:/run/gunicorn.sock": an absolute path that fits into a socket address (107 bytes).
[[nodiscard]] Parsed<Endpoint> parse_unix(std::string_view text);

enum class AuthorityTrouble : std::uint8_t { none, host, port };
/// "HOST", "HOST:PORT", "[IPv6]", "[IPv6]:PORT"; the port stays as it is when there is none.
[[nodiscard]] AuthorityTrouble parse_authority(std::string_view text, Endpoint& endpoint,
                                               bool& has_port);
/// "10%", "0.01%": parts of a million.
[[nodiscard]] Parsed<std::uint64_t> parse_percentage(std::string_view text);
[[nodiscard]] std::string format_percentage(unsigned of_a_million);
/// Where an OpenTelemetry collector takes spans.
struct Collector {
  Endpoint endpoint;
  std::string path;
};
/// "http://HOST", "http://HOST:PORT/PATH": by OTLP 1.0, "/v1/traces" comes behind it.
[[nodiscard]] Parsed<Collector> parse_collector(std::string_view text);
/// RFC 3986 2.1. Nothing: a broken encoding.
[[nodiscard]] std::optional<std::string> decode_percent(std::string_view text);

/// A port, or what Kubernetes puts into REDIS_PORT for a service named redis:
/// "tcp://10.0.0.1:6379".
[[nodiscard]] Parsed<std::uint16_t> parse_redis_port(std::string_view text);
/// A host name, or an address (IPv6 without brackets).
[[nodiscard]] bool is_host(std::string_view text);

/// Permissions in octal: "0660".
[[nodiscard]] Parsed<std::uint64_t> parse_mode(std::string_view text);

/// An address block in CIDR form; a single address becomes a block of its own ("10.1.2.3/32").
[[nodiscard]] Parsed<std::string> parse_block(std::string_view text);

/// RFC 9110 5.6.2: names of fields, methods and cookies.
[[nodiscard]] bool is_token(std::string_view text);
/// "type/subtype" in lower case, without parameters and wildcards.
[[nodiscard]] Parsed<std::string> parse_media_type(std::string_view text);
/// "de", "pt-BR" (RFC 5646 2.1) in lower case, without wildcards.
[[nodiscard]] Parsed<std::string> parse_language_tag(std::string_view text);

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace larder::config
