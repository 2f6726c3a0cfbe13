// Listener: accepts one thread's clients on its sockets, within limits, and drains them.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "session/connection.hpp"
#include "session/listening.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Listener {
 public:
  explicit Listener(Worker& worker) : worker_(worker) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Accepts on these from now on. Once, on any thread, before the io_context runs.
  void start(std::vector<ListeningSocket> sockets);
  /// Stops accepting; who has connected already is served. Waiting connections end soon, others
  /// after their exchange.
  void drain();
  /// Ends tunnels and event streams, which nothing else would end.
  void end_streams();
  /// Breaks what is still open.
  void abort();
  /// Is there anything that a drain has to wait for?
  [[nodiscard]] bool is_busy() const { return closing_ > 0 || !connections_.empty(); }
  /// Is all that is left streams which never end by themselves?
  [[nodiscard]] bool has_only_streams() const;

 private:
  using Protocol = asio::generic::stream_protocol;
  using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;
  using Connections =
      boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  /// One socket, and what is known of whoever comes in there.
  struct Entrance {
    explicit Entrance(Worker& worker) : acceptor(worker.io) {}
    Acceptor acceptor;
    int family = 0;
    bool tls = false;
    bool shared = false;
  };

  [[nodiscard]] awaitable<void> accept_from(Entrance& entrance);
  [[nodiscard]] awaitable<void> close(Entrance& entrance);
  /// Takes in who has connected and was not accepted yet.
  void accept_waiting(Entrance& entrance);
  void serve(Socket socket, const Protocol::endpoint& peer, const Entrance& entrance);

  Worker& worker_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  unsigned closing_ = 0;  ///< entrances on their way to being closed
  Connections connections_;
};

}  // namespace larder::session
