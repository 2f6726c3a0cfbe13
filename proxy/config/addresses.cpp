// The addresses among config/values.hpp: endpoints, CIDR blocks.
#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/values.hpp"

namespace larder::config {
namespace {

constexpr bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
constexpr bool is_name_letter(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         letter == '-' || letter == '_' || letter == '.';
}

using AddressBytes = std::array<unsigned char, 16>;

/// Length of the address in bytes; zero when it is none of that family.
std::size_t parse_address(std::string_view text, AddressBytes& bytes) {
  const std::string terminated(text);
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return 4;
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return 16;
  return 0;
}

std::string format_address(const AddressBytes& bytes, std::size_t length) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

bool is_exposed(const Endpoint& endpoint) {
  if (endpoint.is_unix() || endpoint.host == "localhost") return false;
  AddressBytes bytes{};
  const std::size_t length = parse_address(endpoint.host, bytes);
  if (length == 4) return bytes[0] != 127;
  constexpr AddressBytes loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return length != 16 || bytes != loopback;
}

AuthorityTrouble parse_authority(std::string_view text, Endpoint& endpoint, bool& has_port) {
  std::string_view host = text;
  std::string_view port;
  has_port = false;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return AuthorityTrouble::host;
    host = text.substr(1, bracket - 1);
    std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return AuthorityTrouble::host;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
    AddressBytes bytes{};
    if (parse_address(host, bytes) != 16) return AuthorityTrouble::host;
  } else {
    const std::size_t colon = text.find(':');
    has_port = colon != std::string_view::npos;
    host = text.substr(0, colon);
    if (has_port) port = text.substr(colon + 1);
    if (!is_host(host)) return AuthorityTrouble::host;
  }
  endpoint.host = std::string(host);
  if (!has_port) return AuthorityTrouble::none;
  const std::optional<std::uint16_t> number = parse_port(port);
  if (!number) return AuthorityTrouble::port;
  endpoint.port = *number;
  return AuthorityTrouble::none;
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    unsigned byte = 0;
    const char* digits = text.data() + at + 1;
    if (at + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
    decoded += static_cast<char>(byte);
    at += 2;
  }
  return decoded;
}

bool is_host(std::string_view text) {
  AddressBytes bytes{};
  if (parse_address(text, bytes) != 0) return true;
  if (text.empty() || text.size() > 253) return false;
  // What looks like an IPv4 address must be one: "10.0.0.256" is no name.
  return std::all_of(text.begin(), text.end(), is_name_letter) &&
         !std::all_of(text.begin(), text.end(),
                      [](char letter) { return is_digit(letter) || letter == '.'; });
}

Parsed<Endpoint> parse_listen(std::string_view text) {
  Endpoint endpoint;
  bool has_port = false;
  const bool everywhere = text.starts_with(':');
  const std::string full = everywhere ? "0.0.0.0" + std::string(text) : std::string(text);
  if (parse_authority(full, endpoint, has_port) != AuthorityTrouble::none || !has_port) {
    return Refused{quote(text) +
                   " is no address; write HOST:PORT, such as 0.0.0.0:8080 or [::]:8080"};
  }
  return endpoint;
}

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  constexpr std::string_view https = "https://";
  constexpr std::string_view inherited = "fd:";
  // The three standard streams are not sockets to listen on.
  constexpr std::uint64_t first_descriptor = 3;
  constexpr std::uint64_t last_descriptor = 65535;
  ListenAddress address;
  if (text == "systemd") {
    address.systemd = true;
    return address;
  }
  if (text.starts_with(inherited)) {
    const Parsed<std::uint64_t> number =
        parse_number(text.substr(inherited.size()), first_descriptor, last_descriptor);
    if (std::holds_alternative<Refused>(number))
      return Refused{quote(text) + " is no inherited socket; write fd:N with N from 3"};
    address.descriptor = static_cast<int>(std::get<std::uint64_t>(number));
    return address;
  }
  if (text.starts_with("http://")) {
    return Refused{quote(text) + ": write HOST:PORT for plain HTTP, https://HOST:PORT for TLS"};
  }
  address.tls = text.starts_with(https);
  if (address.tls) text.remove_prefix(https.size());
  const bool is_unix = text.starts_with("unix:");
  if (is_unix && address.tls) return Refused{"https:// is for TCP; write unix:/PATH"};
  Parsed<Endpoint> endpoint = is_unix ? parse_unix(text) : parse_listen(text);
  if (auto* refused = std::get_if<Refused>(&endpoint)) return std::move(*refused);
  address.endpoint = std::get<Endpoint>(std::move(endpoint));
  return address;
}

std::string format_listen_address(const ListenAddress& address) {
  if (address.systemd) return "systemd";
  if (address.descriptor >= 0) return "fd:" + std::to_string(address.descriptor);
  return (address.tls ? "https://" : "") + format_endpoint(address.endpoint);
}

Parsed<std::uint64_t> parse_mode(std::string_view text) {
  constexpr unsigned most = 0777;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > most)
    return Refused{quote(text) + " are no permissions; write them in octal, such as 0660"};
  return mode;
}

Parsed<Upstream> parse_upstream(std::string_view text) {
  if (text.starts_with("unix:")) {
    Parsed<Endpoint> socket = parse_unix(text);
    if (auto* refused = std::get_if<Refused>(&socket)) return std::move(*refused);
    return Upstream{std::get<Endpoint>(std::move(socket)), false};
  }
  const Refused wrong{quote(text) +
                      " is no origin; write http://HOST:PORT, https://HOST:PORT, HOST:PORT or "
                      "unix:/PATH"};
  std::string_view rest = text;
  const bool is_encrypted = rest.starts_with("https://");
  const bool has_scheme = is_encrypted || rest.starts_with("http://");
  if (has_scheme) rest.remove_prefix(is_encrypted ? 8 : 7);
  if (rest.find('@') != std::string_view::npos) {
    return Refused{quote(text) + ": a user and password cannot be given here"};
  }
  if (has_scheme && rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) {
    if (!has_scheme) return wrong;
    return Refused{quote(text) + " has a path; paths are passed on as they come: write only " +
                   (is_encrypted ? "https" : "http") + "://HOST:PORT"};
  }
  Upstream upstream{{{}, static_cast<std::uint16_t>(is_encrypted ? 443 : 80)}, is_encrypted};
  bool has_port = false;
  if (parse_authority(rest, upstream.endpoint, has_port) != AuthorityTrouble::none ||
      (!has_port && !has_scheme) || upstream.endpoint.port == 0) {
    return wrong;
  }
  return upstream;
}

Parsed<Collector> parse_collector(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  constexpr std::uint16_t usual_port = 4318;
  if (!text.starts_with(scheme))
    return Refused{quote(text) +
                   " is no collector; write http://HOST[:PORT][/PATH], or off (an encrypted one is "
                   "reached through a local collector)"};
  const std::string_view rest = text.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view path = rest.substr(slash);
  if (!path.empty()) {
    const Parsed<std::string> target = parse_target(path);
    if (const auto* refused = std::get_if<Refused>(&target)) return *refused;
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  Collector collector{{{}, usual_port}, std::string(path) + "/v1/traces"};
  bool has_port = false;
  if (parse_authority(rest.substr(0, slash), collector.endpoint, has_port) !=
          AuthorityTrouble::none ||
      collector.endpoint.port == 0)
    return Refused{quote(text) + " is no collector; write http://HOST[:PORT][/PATH], or off"};
  return collector;
}

Parsed<std::string> parse_target(std::string_view text) {
  const bool is_clean = std::all_of(text.begin(), text.end(), [](char letter) {
    return letter > ' ' && letter < 0x7f && letter != '#';
  });
  if (!text.starts_with('/') || !is_clean) {
    return Refused{quote(text) + " is no path; write one such as /healthz"};
  }
  return std::string(text);
}

Parsed<Endpoint> parse_unix(std::string_view text) {
  constexpr std::string_view scheme = "unix:";
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  const std::string_view path = text.starts_with(scheme) ? text.substr(scheme.size()) : text;
  if (!text.starts_with(scheme) || !path.starts_with('/') || path.ends_with('/'))
    return Refused{quote(text) +
                   " is no Unix socket; write unix:/PATH, such as unix:/run/larder.sock"};
  if (path.size() > longest || path.find('\0') != std::string_view::npos)
    return Refused{quote(text) + ": the path of a socket has at most " + std::to_string(longest) +
                   " bytes"};
  return Endpoint{.host = {}, .port = 0, .path = std::string(path)};
}

Parsed<std::uint16_t> parse_redis_port(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("tcp://")) digits.remove_prefix(digits.rfind(':') + 1);
  const Parsed<std::uint64_t> number = parse_number(digits, 1, 65535);
  if (std::holds_alternative<Refused>(number)) {
    return Refused{quote(text) + " is no port: a number from 1 to 65535"};
  }
  return static_cast<std::uint16_t>(std::get<std::uint64_t>(number));
}

Parsed<std::string> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Refused wrong{
      quote(text) + " is no address block; write one in CIDR form, such as 10.0.0.0/8 or fc00::/7"};
  AddressBytes bytes{};
  const std::size_t length = parse_address(text.substr(0, slash), bytes);
  if (length == 0) return wrong;
  std::uint64_t bits = length * 8;
  if (slash != std::string_view::npos) {
    const Parsed<std::uint64_t> number = parse_number(text.substr(slash + 1), 0, length * 8);
    if (std::holds_alternative<Refused>(number)) return wrong;
    bits = std::get<std::uint64_t>(number);
  }
  AddressBytes network = bytes;
  for (std::size_t index = 0; index < length; ++index) {
    const std::uint64_t before = index * 8;
    const std::uint64_t kept = bits <= before ? 0 : std::min<std::uint64_t>(bits - before, 8);
    network[index] = static_cast<unsigned char>(network[index] & (0xFF00U >> kept));
  }
  const std::string block = format_address(network, length) + "/" + std::to_string(bits);
  if (network != bytes) {
    return Refused{quote(text) + " has bits set behind its prefix; did you mean " + block + "?"};
  }
  return block;
}

}  // namespace larder::config
