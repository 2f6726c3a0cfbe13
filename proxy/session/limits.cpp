#include "session/limits.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace larder::session {

namespace ip = boost::asio::ip;

unsigned connections_within(std::uint64_t descriptors, unsigned threads, unsigned wanted) {
  // Standard streams, the log, rules and certificates while they are read, the admin listener and
  // those it serves.
  constexpr std::uint64_t of_process = 32;
  // epoll, its timer and event, listeners, Redis, a name being looked up.
  constexpr std::uint64_t of_thread = 8;
  // To the origin; a quarter where that is less, so that a small limit still serves both sides.
  constexpr std::uint64_t of_origin = 256;
  const std::uint64_t reserve =
      of_process + of_thread * threads + std::min(of_origin, descriptors / 4);
  if (descriptors <= reserve) return 1;
  return static_cast<unsigned>(std::min<std::uint64_t>(wanted, descriptors - reserve));
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

bool AddressCounts::take(const ip::address& address, Held& held) {
  if (limit_ == 0) return true;
  Key key{address.is_v6(), 0};
  if (address.is_v4()) {
    key.second = address.to_v4().to_uint();
  } else {
    const ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
    for (std::size_t i = 0; i < 8; ++i) key.second = key.second << 8 | bytes[i];
  }
  const std::scoped_lock lock(mutex_);
  unsigned& open = open_[key];
  if (open >= limit_) return false;
  ++open;
  held.counts_ = this;
  held.key_ = key;
  return true;
}

AddressCounts::Held::~Held() {
  if (!counts_) return;
  const std::scoped_lock lock(counts_->mutex_);
  const auto found = counts_->open_.find(key_);
  if (--found->second == 0) counts_->open_.erase(found);
}

}  // namespace larder::session
