#include "store/redis_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

namespace larder::store {

awaitable<error_code> RedisStream::connect(Address address) {
  error_code error;
  socket_.open(address.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (error) co_return error;
  co_await socket_.async_connect(address, asio::redirect_error(use_awaitable, error));
  // A Unix socket whose queue is full looks connected to poll(), and is not.
  if (!error) socket_.remote_endpoint(error);
  if (!error && address.protocol().family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  co_return error;
}

awaitable<error_code> RedisStream::wait_for(TlsNeed need) {
  error_code error;
  co_await socket_.async_wait(need == TlsNeed::readable ? Socket::wait_read : Socket::wait_write,
                              asio::redirect_error(use_awaitable, error));
  co_return error;
}

awaitable<std::string> RedisStream::start_tls(TlsContext context, std::string server_name) {
  tls_.emplace(context, TlsSession::Role::client, socket_.native_handle(), server_name);
  for (;;) {
    const TlsNeed need = tls_->handshake();
    if (need == TlsNeed::nothing) co_return std::string();
    if (need == TlsNeed::closed) co_return "TLS: it closed the connection";
    if (need == TlsNeed::failed) co_return "TLS: " + tls_->failure();
    const error_code error = co_await wait_for(need);
    if (error) co_return "TLS: " + error.message();
  }
}

awaitable<RedisStream::Read> RedisStream::read_some(std::span<char> room) {
  Read read;
  if (!tls_) {
    read.size = co_await socket_.async_read_some(asio::buffer(room.data(), room.size()),
                                                 asio::redirect_error(use_awaitable, read.error));
    co_return read;
  }
  while (!read.error && socket_.is_open()) {
    const TlsNeed need = tls_->read(room, read.size);
    if (need == TlsNeed::nothing) co_return read;
    if (need == TlsNeed::closed) {
      read.error = asio::error::eof;
    } else if (need == TlsNeed::failed) {
      read.error = asio::error::connection_reset;
    } else {
      const error_code error = co_await wait_for(need);
      read.error = error;
    }
  }
  if (!read.error) read.error = asio::error::operation_aborted;
  co_return read;
}

std::size_t RedisStream::write_some(std::string_view bytes, error_code& error) {
  if (!tls_) return socket_.write_some(asio::buffer(bytes), error);
  std::size_t size = 0;
  error = {};
  needs_to_read_ = false;
  switch (tls_->write(bytes, size)) {
    case TlsNeed::nothing:
      break;
    case TlsNeed::readable:
      needs_to_read_ = true;
      error = asio::error::would_block;
      break;
    case TlsNeed::writable:
      error = asio::error::would_block;
      break;
    case TlsNeed::closed:
      error = asio::error::eof;
      break;
    case TlsNeed::failed:
      error = asio::error::connection_reset;
      break;
  }
  return size;
}

std::string RedisStream::describe(const error_code& error) const {
  if (tls_ && !tls_->failure().empty()) return "TLS: " + tls_->failure();
  return error == asio::error::eof ? "it closed the connection" : error.message();
}

void RedisStream::close() {
  if (tls_ && socket_.is_open()) tls_->shutdown_write();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace larder::store
