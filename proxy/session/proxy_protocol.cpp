#include "session/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace larder::session {

namespace {

namespace ip = boost::asio::ip;
using State = ProxyParse::State;

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::string_view line_start = "PROXY ";
/// The shortest line, "PROXY UNKNOWN\r\n"; version 2's fixed part is one byte longer.
constexpr std::size_t shortest_line = 15;
constexpr std::size_t longest_line = 107;
constexpr std::size_t fixed_part = 16;

ProxyParse refuse(ProxyError error) {
  return {.state = State::refused, .error = error, .header = {}};
}

ProxyParse need(std::size_t missing) {
  return {.state = State::need_more, .missing = missing, .header = {}};
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

template <class Address>
Address address_at(std::string_view bytes, std::size_t at) {
  typename Address::bytes_type raw{};
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = byte_at(bytes, at + i);
  return Address(raw);
}

// --- Version 1 -----------------------------------------------------------------------------------

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

/// Takes what stands before the next space, and the space. Nothing: there is none.
std::optional<std::string_view> take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space + 1);
  return word;
}

/// `is_v6`: of the family that the line names. Zone identifiers make no client's address.
std::optional<ip::address> parse_address(std::string_view text, bool is_v6) {
  if (text.find('%') != std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error || address.is_v6() != is_v6) return std::nullopt;
  return address;
}

/// `line` without its CRLF and without "PROXY ".
ProxyParse parse_line(std::string_view line, std::size_t size) {
  ProxyParse parsed{.state = State::complete, .size = size, .header = {}};
  // What follows UNKNOWN is to be ignored.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return parsed;
  const bool is_v6 = line.starts_with("TCP6 ");
  if (!is_v6 && !line.starts_with("TCP4 ")) return refuse(ProxyError::malformed_line);
  line.remove_prefix(5);
  const auto client = take_word(line);
  const auto proxy = take_word(line);
  const auto port = take_word(line);
  if (!client || !proxy || !port) return refuse(ProxyError::malformed_line);
  parsed.header.client = parse_address(*client, is_v6);
  if (!parsed.header.client || !parse_address(*proxy, is_v6))
    return refuse(ProxyError::malformed_address);
  const std::optional<std::uint16_t> number = parse_port(*port);
  if (!number || !parse_port(line)) return refuse(ProxyError::malformed_port);
  parsed.header.port = *number;
  return parsed;
}

ProxyParse parse_version_1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, longest_line).find('\r');
  if (end == std::string_view::npos) {
    if (bytes.size() >= longest_line) return refuse(ProxyError::too_long);
    return need(bytes.size() < shortest_line
                    ? shortest_line - bytes.size()
                    : std::min<std::size_t>(2, longest_line - bytes.size()));
  }
  if (end + 1 == longest_line) return refuse(ProxyError::too_long);
  if (end + 1 == bytes.size()) return need(1);
  const std::string_view line = bytes.substr(line_start.size(), end - line_start.size());
  if (end < shortest_line - 2 || bytes[end + 1] != '\n' ||
      line.find('\n') != std::string_view::npos)
    return refuse(ProxyError::malformed_line);
  return parse_line(line, end + 2);
}

// --- Version 2 -----------------------------------------------------------------------------------

enum class Family : std::uint8_t {
  unspecified = 0x00,
  tcp_over_ipv4 = 0x11,
  tcp_over_ipv6 = 0x21,
  unix_stream = 0x31,
};

ProxyParse parse_version_2(std::string_view bytes) {
  constexpr std::uint8_t local = 0;
  constexpr std::uint8_t proxied = 1;
  if (bytes.size() < fixed_part) return need(fixed_part - bytes.size());
  const std::uint8_t command = byte_at(bytes, 12) & 0x0F;
  if (byte_at(bytes, 12) >> 4 != 2) return refuse(ProxyError::unsupported_version);
  if (command > proxied) return refuse(ProxyError::unsupported_command);
  const std::size_t size = fixed_part + number_at(bytes, 14);
  if (size > proxy_header_limit) return refuse(ProxyError::too_long);
  if (bytes.size() < size) return need(size - bytes.size());

  ProxyParse parsed{.state = State::complete, .size = size, .header = {}};
  // A health check of the proxy's own; its addresses are to be ignored.
  if (command == local) return parsed;
  std::size_t addresses = 0;
  const auto family = static_cast<Family>(byte_at(bytes, 13));
  switch (family) {
    case Family::unspecified:
      break;
    case Family::tcp_over_ipv4:
      addresses = 12;
      break;
    case Family::tcp_over_ipv6:
      addresses = 36;
      break;
    case Family::unix_stream:
      addresses = 216;
      break;
    default:
      return refuse(ProxyError::unsupported_family);
  }
  if (size < fixed_part + addresses) return refuse(ProxyError::too_short);
  if (family == Family::tcp_over_ipv4) {
    parsed.header = {address_at<ip::address_v4>(bytes, 16), number_at(bytes, 24)};
  } else if (family == Family::tcp_over_ipv6) {
    parsed.header = {address_at<ip::address_v6>(bytes, 16), number_at(bytes, 48)};
  }
  return parsed;
}

}  // namespace

std::string_view describe(ProxyError error) {
  switch (error) {
    case ProxyError::none:
      return "nothing is wrong with the PROXY header";
    case ProxyError::no_header:
      return "the connection does not begin with a PROXY header";
    case ProxyError::too_long:
      return "the PROXY header is too long";
    case ProxyError::malformed_line:
      return "the line of the PROXY header is malformed";
    case ProxyError::malformed_address:
      return "the PROXY header has a malformed address";
    case ProxyError::malformed_port:
      return "the PROXY header has a malformed port";
    case ProxyError::unsupported_version:
      return "the PROXY header is of an unknown version";
    case ProxyError::unsupported_command:
      return "the PROXY header has an unknown command";
    case ProxyError::unsupported_family:
      return "the PROXY header is for no stream";
    case ProxyError::too_short:
      return "the PROXY header is too short for its addresses";
  }
  return {};
}

ProxyParse parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return need(shortest_line);
  const std::size_t seen = std::min(bytes.size(), signature.size());
  if (bytes.substr(0, seen) == signature.substr(0, seen)) {
    // Not more at once than either version surely has.
    if (bytes.size() < shortest_line) return need(shortest_line - bytes.size());
    return parse_version_2(bytes);
  }
  const std::size_t begun = std::min(bytes.size(), line_start.size());
  if (bytes.substr(0, begun) == line_start.substr(0, begun)) {
    if (begun < line_start.size()) return need(shortest_line - bytes.size());
    return parse_version_1(bytes);
  }
  return refuse(ProxyError::no_header);
}

}  // namespace larder::session
