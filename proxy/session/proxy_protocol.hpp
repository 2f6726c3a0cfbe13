// PROXY protocol: who the client is when a proxy below HTTP stands between (version 1 and 2 of
// haproxy's proxy-protocol.txt). Pure: bytes -> header, or the reason why not.
//
// Strict: version 1 has one spelling of each address and port, version 2 streams alone. Type-length
// values are skipped; what they would say is nobody's business here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/asio/ip/address.hpp>

namespace larder::session {

enum class ProxyError : std::uint8_t {
  none,
  no_header,            ///< neither version's beginning
  too_long,             ///< version 1 above 107 bytes, version 2 above proxy_header_limit
  malformed_line,       ///< version 1: anything but its one form
  malformed_address,    ///< not an address of the family it claims
  malformed_port,       ///< no number from 0 to 65535, or with leading zeros
  unsupported_version,  ///< of the binary form
  unsupported_command,
  unsupported_family,  ///< datagrams, or a family that does not exist
  too_short,           ///< version 2: fewer bytes than its addresses need
};
/// One sentence without a final stop.
[[nodiscard]] std::string_view describe(ProxyError error);

struct ProxyHeader {
  /// None: the connection's own address is the client's (LOCAL, UNKNOWN, Unix sockets).
  std::optional<boost::asio::ip::address> client{};
  std::uint16_t port = 0;  ///< of the client
  bool operator==(const ProxyHeader&) const = default;
};

/// What can be said of the bytes so far.
struct ProxyParse {
  enum class State : std::uint8_t {
    need_more,  ///< `missing` says how much more surely belongs to the header
    complete,   ///< the bytes are the header, or begin with it: `size` says where it ends
    refused,
  };
  State state = State::need_more;
  ProxyError error = ProxyError::none;
  std::size_t missing = 0;  ///< above zero when more is needed
  std::size_t size = 0;
  ProxyHeader header;
};

/// `bytes`: from the connection's first on. A reader that never asks for more than `missing` reads
/// nothing of what follows the header.
[[nodiscard]] ProxyParse parse_proxy_header(std::string_view bytes);

/// Bytes of a whole header of version 2, type-length values included.
constexpr std::size_t proxy_header_limit = 4096;

}  // namespace larder::session
