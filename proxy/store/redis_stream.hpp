// Redis stream: one socket to Redis, TCP or Unix, encrypted or not.
//
// Owns the socket and knows no deadlines: whoever waits closes it when time is up. What waits then
// reports an error. Who is connected to: store/redis_connecting.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "store/io.hpp"
#include "store/tls.hpp"

namespace larder::store {

class RedisStream {
 public:
  using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
  using Address = asio::generic::stream_protocol::endpoint;

  explicit RedisStream(const Executor& executor) : socket_(executor) {}

  /// To be called once.
  [[nodiscard]] awaitable<error_code> connect(Address address);
  /// Encrypts from here on. `server_name` is asked for and must be in the certificate; empty:
  /// neither. What failed in words; empty on success.
  [[nodiscard]] awaitable<std::string> start_tls(TlsContext context, std::string server_name);

  struct Read {
    error_code error;
    std::size_t size = 0;  ///< above zero without error
  };
  [[nodiscard]] awaitable<Read> read_some(std::span<char> room);
  /// Does not wait: `would_block` when there is no room. What is not written yet must be given
  /// again, unchanged, in front of whatever follows.
  [[nodiscard]] std::size_t write_some(std::string_view bytes, error_code& error);
  /// `handler(error_code)`, when write_some() is worth another try.
  template <class Handler>
  void wait_for_room(Handler handler) {
    socket_.async_wait(needs_to_read_ ? Socket::wait_read : Socket::wait_write, std::move(handler));
  }

  void close();
  /// What an error of read_some() or write_some() was, in words.
  [[nodiscard]] std::string describe(const error_code& error) const;

 private:
  [[nodiscard]] awaitable<error_code> wait_for(TlsNeed need);

  Socket socket_;
  std::optional<TlsSession> tls_;
  bool needs_to_read_ = false;  ///< before TLS can write
};

}  // namespace larder::store
