// Listener: accepts clients on one thread's own sockets (SO_REUSEPORT), within limits, and drains
// them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "session/connection.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Listener {
 public:
  using Tcp = asio::ip::tcp;

  explicit Listener(Worker& worker) : worker_(worker) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds and listens. What failed in words, empty on success: "cannot listen on 0.0.0.0:80:
  /// Permission denied".
  [[nodiscard]] std::string listen(const config::Endpoint& endpoint);
  void start();
  /// Stops accepting at once; idle connections end, others after their exchange.
  void drain();
  /// Breaks what is still open.
  void abort();
  [[nodiscard]] bool has_connections() const { return !connections_.empty(); }

 private:
  using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
  using Connections =
      boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] awaitable<void> accept_from(Acceptor& acceptor);
  void serve(asio::basic_stream_socket<Tcp, Executor> socket, const Tcp::endpoint& peer);

  Worker& worker_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  Connections connections_;
};

}  // namespace larder::session
