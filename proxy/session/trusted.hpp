// Trusted addresses: the hops before us whose X-Forwarded-* are believed.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace larder::session {

class TrustedAddresses {
 public:
  /// `blocks` in CIDR notation, checked by config/load; what does not parse trusts nobody.
  explicit TrustedAddresses(const std::vector<std::string>& blocks);

  /// An IPv4 address mapped into IPv6 counts as IPv4.
  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;

 private:
  std::vector<boost::asio::ip::network_v4> v4_;
  std::vector<boost::asio::ip::network_v6> v6_;
};

}  // namespace larder::session
