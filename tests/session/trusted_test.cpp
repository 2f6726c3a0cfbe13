#include "session/trusted.hpp"

#include <doctest/doctest.h>

#include "config/config.hpp"

namespace larder::session {
namespace {

TEST_CASE("TrustedAddresses: whose X-Forwarded-* are believed") {
  struct Case {
    const char* name;
    const char* address;
    bool trusted;
  };
  const Case cases[] = {
      {"loopback", "127.0.0.1", true},
      {"a container's network", "172.18.0.5", true},
      {"just beyond it", "172.32.0.1", false},
      {"a public address", "203.0.113.9", false},
      {"IPv6 loopback", "::1", true},
      {"a unique local address", "fd00::1", true},
      {"a public IPv6 address", "2001:db8::1", false},
      {"a private address mapped into IPv6", "::ffff:10.1.2.3", true},
      {"a public address mapped into IPv6", "::ffff:203.0.113.9", false},
  };
  const TrustedAddresses trusted(config::Settings().trusted_proxies);
  const TrustedAddresses nobody({});
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto address = boost::asio::ip::make_address(c.address);
    CHECK(trusted.contains(address) == c.trusted);
    CHECK_FALSE(nobody.contains(address));
  }
}

}  // namespace
}  // namespace larder::session
