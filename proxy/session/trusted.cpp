#include "session/trusted.hpp"

#include <algorithm>

namespace larder::session {

namespace ip = boost::asio::ip;

TrustedAddresses::TrustedAddresses(const std::vector<std::string>& blocks) {
  for (const std::string& block : blocks) {
    boost::system::error_code error;
    const ip::network_v4 v4 = ip::make_network_v4(block, error);
    if (!error) {
      v4_.push_back(v4.canonical());
      continue;
    }
    const ip::network_v6 v6 = ip::make_network_v6(block, error);
    if (!error) v6_.push_back(v6.canonical());
  }
}

bool TrustedAddresses::contains(const ip::address& address) const {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return contains(ip::make_address_v4(ip::v4_mapped, address.to_v6()));
  if (address.is_v4()) {
    return std::any_of(v4_.begin(), v4_.end(), [&](const ip::network_v4& block) {
      return ip::network_v4(address.to_v4(), block.prefix_length()).canonical() == block;
    });
  }
  return std::any_of(v6_.begin(), v6_.end(), [&](const ip::network_v6& block) {
    return ip::network_v6(address.to_v6(), block.prefix_length()).canonical() == block;
  });
}

}  // namespace larder::session
