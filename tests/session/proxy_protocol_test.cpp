#include "session/proxy_protocol.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::session {
namespace {

using State = ProxyParse::State;
using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

/// A header of version 2: `command` with its version, `family`, and what follows the length.
std::string binary(unsigned char command, unsigned char family, const std::string& rest) {
  std::string bytes = signature;
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xFF);
  return bytes + rest;
}

const std::string over_ipv4 = "\xCB\x00\x71\x09\x0A\x00\x00\x01\xC3\x50\x00\x50"s;
const std::string over_ipv6 =
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07"
    "\xFD\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\xC3\x50\x01\xBB"s;

/// Reads as a reader does that never takes more than it is told: what it has read at the end.
ProxyParse read(const std::string& bytes, std::string& taken, std::size_t most_at_once) {
  taken.clear();
  ProxyParse parsed = parse_proxy_header(taken);
  while (parsed.state == State::need_more) {
    REQUIRE(parsed.missing > 0);
    const std::size_t size = std::min({parsed.missing, most_at_once, bytes.size() - taken.size()});
    if (size == 0) break;
    taken += bytes.substr(taken.size(), size);
    parsed = parse_proxy_header(taken);
  }
  return parsed;
}

TEST_CASE("parse_proxy_header: headers, whatever follows them and however they are cut") {
  struct Case {
    const char* name;
    std::string bytes;
    const char* client;  ///< empty: the connection's own address
    std::uint16_t port = 0;
  };
  const std::string longest_v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const Case cases[] = {
      {"IPv4", "PROXY TCP4 203.0.113.9 10.0.0.1 50000 80\r\n", "203.0.113.9", 50000},
      {"IPv6", "PROXY TCP6 2001:db8::7 fd00::1 50000 443\r\n", "2001:db8::7", 50000},
      {"the longest addresses", "PROXY TCP6 " + longest_v6 + " " + longest_v6 + " 65535 65535\r\n",
       longest_v6.c_str(), 65535},
      {"ports may be 0", "PROXY TCP4 203.0.113.9 10.0.0.1 0 0\r\n", "203.0.113.9", 0},
      {"unknown", "PROXY UNKNOWN\r\n", ""},
      {"unknown, with what nobody is to read",
       "PROXY UNKNOWN " + longest_v6 + " " + longest_v6 + " 65535 65535\r\n", ""},
      {"binary, IPv4", binary(0x21, 0x11, over_ipv4), "203.0.113.9", 50000},
      {"binary, IPv6", binary(0x21, 0x21, over_ipv6), "2001:db8::7", 50000},
      {"binary, with type-length values", binary(0x21, 0x11, over_ipv4 + "\x04\0\x02hi"s),
       "203.0.113.9", 50000},
      {"binary, as long as may be",
       binary(0x21, 0x11, over_ipv4 + std::string(proxy_header_limit - 28, 'x')), "203.0.113.9",
       50000},
      {"binary, of a Unix socket", binary(0x21, 0x31, std::string(216, '/')), ""},
      {"binary, of nobody knows what", binary(0x21, 0x00, ""), ""},
      {"binary, of the proxy itself", binary(0x20, 0x00, ""), ""},
      {"binary, of the proxy itself, with addresses", binary(0x20, 0x11, over_ipv4), ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ProxyHeader expected{.client = std::nullopt, .port = c.port};
    if (*c.client) expected.client = boost::asio::ip::make_address(c.client);
    for (const std::string& behind : {""s, "GET / HTTP/1.1\r\n"s, "\r\n"s, signature}) {
      const ProxyParse whole = parse_proxy_header(c.bytes + behind);
      REQUIRE(whole.state == State::complete);
      CHECK(whole.size == c.bytes.size());
      CHECK(whole.header == expected);
      for (const std::size_t most_at_once : {1UL, 2UL, 3UL, 7UL, 10'000UL}) {
        std::string taken;
        const ProxyParse parsed = read(c.bytes + behind, taken, most_at_once);
        CHECK(parsed.state == State::complete);
        CHECK(parsed.header == expected);
        CHECK(taken == c.bytes);  // and nothing of what is behind
      }
    }
    for (std::size_t size = 0; size < c.bytes.size(); ++size) {
      const ProxyParse part = parse_proxy_header(c.bytes.substr(0, size));
      CHECK(part.state == State::need_more);
      CHECK(part.missing > 0);
      CHECK(size + part.missing <= c.bytes.size());
    }
  }
}

TEST_CASE("parse_proxy_header: what is no header, however it is cut") {
  struct Case {
    const char* name;
    std::string bytes;
    ProxyError error;
  };
  const Case cases[] = {
      {"a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ProxyError::no_header},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s, ProxyError::no_header},
      {"lower case", "proxy TCP4 203.0.113.9 10.0.0.1 50000 80\r\n", ProxyError::no_header},
      {"almost the signature", "\r\n\r\n\0\r\nQUIT\r\x21\x11\0\0"s, ProxyError::no_header},
      {"no family", "PROXY 203.0.113.9 10.0.0.1 1 2\r\n", ProxyError::malformed_line},
      {"an unknown family", "PROXY UDP4 203.0.113.9 10.0.0.1 1 2\r\n", ProxyError::malformed_line},
      {"something behind UNKNOWN", "PROXY UNKNOWNS\r\n", ProxyError::malformed_line},
      {"two spaces", "PROXY TCP4  203.0.113.9 10.0.0.1 1 2\r\n", ProxyError::malformed_line},
      {"a word too few", "PROXY TCP4 203.0.113.9 10.0.0.1 50000\r\n", ProxyError::malformed_line},
      {"a word too many", "PROXY TCP4 203.0.113.9 10.0.0.1 1 2 3\r\n", ProxyError::malformed_port},
      {"a space at the end", "PROXY TCP4 203.0.113.9 10.0.0.1 1 2 \r\n",
       ProxyError::malformed_port},
      {"a line feed alone", "PROXY TCP4 203.0.113.9 10.0.0.1 1 2\n\r\n",
       ProxyError::malformed_line},
      {"a carriage return alone", "PROXY TCP4 203.0.113.9\r 10.0.0.1 1 2\r\n",
       ProxyError::malformed_line},
      {"IPv6 as IPv4", "PROXY TCP4 2001:db8::7 10.0.0.1 1 2\r\n", ProxyError::malformed_address},
      {"IPv4 as IPv6", "PROXY TCP6 203.0.113.9 fd00::1 1 2\r\n", ProxyError::malformed_address},
      {"an octet too large", "PROXY TCP4 203.0.113.256 10.0.0.1 1 2\r\n",
       ProxyError::malformed_address},
      {"a leading zero", "PROXY TCP4 203.0.113.09 10.0.0.1 1 2\r\n", ProxyError::malformed_address},
      {"a name", "PROXY TCP4 localhost 10.0.0.1 50000 80\r\n", ProxyError::malformed_address},
      {"a zone", "PROXY TCP6 fe80::1%eth0 fd00::1 1 2\r\n", ProxyError::malformed_address},
      {"the proxy's own address is none", "PROXY TCP4 203.0.113.9 proxy 50000 80\r\n",
       ProxyError::malformed_address},
      {"a port too large", "PROXY TCP4 203.0.113.9 10.0.0.1 65536 80\r\n",
       ProxyError::malformed_port},
      {"a port with a leading zero", "PROXY TCP4 203.0.113.9 10.0.0.1 1 080\r\n",
       ProxyError::malformed_port},
      {"a negative port", "PROXY TCP4 203.0.113.9 10.0.0.1 -1 80\r\n", ProxyError::malformed_port},
      {"a line without end", "PROXY UNKNOWN " + std::string(200, 'x'), ProxyError::too_long},
      {"a line of 108 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
       ProxyError::too_long},
      {"version 1 in binary", binary(0x11, 0x11, over_ipv4), ProxyError::unsupported_version},
      {"version 3", binary(0x31, 0x11, over_ipv4), ProxyError::unsupported_version},
      {"an unknown command", binary(0x22, 0x11, over_ipv4), ProxyError::unsupported_command},
      {"datagrams", binary(0x21, 0x12, over_ipv4), ProxyError::unsupported_family},
      {"an unknown address family", binary(0x21, 0x41, over_ipv4), ProxyError::unsupported_family},
      {"a family without transport", binary(0x21, 0x10, over_ipv4), ProxyError::unsupported_family},
      {"addresses cut short", binary(0x21, 0x11, over_ipv4.substr(1)), ProxyError::too_short},
      {"IPv6 with room for IPv4", binary(0x21, 0x21, over_ipv4), ProxyError::too_short},
      {"too long", binary(0x21, 0x11, std::string(proxy_header_limit - 15, 'x')),
       ProxyError::too_long},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const ProxyParse whole = parse_proxy_header(c.bytes);
    CHECK(whole.state == State::refused);
    CHECK(whole.error == c.error);
    CHECK_FALSE(describe(c.error).empty());
    for (const std::size_t most_at_once : {1UL, 2UL, 3UL, 7UL, 10'000UL}) {
      std::string taken;
      const ProxyParse parsed = read(c.bytes, taken, most_at_once);
      CHECK(parsed.state == State::refused);
      CHECK(parsed.error == c.error);
    }
  }
}

}  // namespace
}  // namespace larder::session
