// Limits of the client's edge that are counted: connections in all and by address, descriptors.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace larder::session {

/// How many clients may be connected when the process may have `descriptors` open: `wanted`, or as
/// many as leave a reserve for each thread's own, Redis, the log and connections to the origin.
/// At least one.
[[nodiscard]] unsigned connections_within(std::uint64_t descriptors, unsigned threads,
                                          unsigned wanted);

/// Raises the limit of open files as far as it may be; the limit as it is then.
[[nodiscard]] std::uint64_t raise_descriptor_limit();

/// Connections open from each address, for all threads. An IPv6 client has its whole /64.
class AddressCounts {
 public:
  /// `limit` zero: none.
  explicit AddressCounts(unsigned limit) : limit_(limit) {}

  /// One connection's place, given back when this goes.
  class Held {
   public:
    Held() = default;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held();

   private:
    friend class AddressCounts;
    AddressCounts* counts_ = nullptr;
    std::pair<bool, std::uint64_t> key_{};
  };
  /// False: the address has as many as it may; `held` stays empty.
  [[nodiscard]] bool take(const boost::asio::ip::address& address, Held& held);

 private:
  using Key = std::pair<bool, std::uint64_t>;  ///< is IPv6; the address, or its first half

  const unsigned limit_;
  std::mutex mutex_;
  std::map<Key, unsigned> open_;
};

}  // namespace larder::session
