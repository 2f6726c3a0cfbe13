#include "session/listener.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "policy/problem.hpp"

namespace larder::session {

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
/// Between attempts when the system has no descriptor or memory for another socket: never a spin.
constexpr milliseconds accept_pause{100};
/// In which handshakes that have begun come to their end before a listener is closed.
constexpr milliseconds handshake_time{5};
/// Accepted while closing: no more than can have been waiting.
constexpr int most_waiting = 4096;
/// Unsent bytes that the kernel keeps for a client. Its buffer would grow to megabytes for one that
/// reads slowly (tcp(7), TCP_NOTSENT_LOWAT).
constexpr int most_unsent = 128 * 1024;

bool is_out_of_resources(const error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::no_buffer_space ||
         error == boost::system::errc::not_enough_memory;
}

/// Drops who wants to begin a connection with this listener; they ask again a second later, and are
/// then let in by another process on the port. Without it, who comes between the last accept() and
/// close() is reset.
void turn_away_new(int listener) {
  // TCP's flags are its 14th byte; of SYN and ACK only SYN is set.
  std::array<sock_filter, 5> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  // Where a sandbox forbids it, a few clients of a restart are reset, as with other servers.
  (void)::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

asio::ip::address address_of(const asio::generic::stream_protocol::endpoint& peer) {
  if (peer.data()->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(peer.data());
    return asio::ip::address_v4(ntohl(v4->sin_addr.s_addr));
  }
  if (peer.data()->sa_family != AF_INET6) return {};
  asio::ip::address_v6::bytes_type bytes{};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(peer.data());
  std::copy_n(v6->sin6_addr.s6_addr, bytes.size(), bytes.begin());
  return asio::ip::address_v6(bytes);
}

/// Over the limit, so that those who are served stay served: an answer where it costs nothing.
void turn_away(Socket& socket, bool tls) {
  static const std::string answer = [] {
    const std::string problem =
        policy::format_problem(503, "as many clients are connected as may be (connection_limit)");
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
           "Retry-After: 1\r\nConnection: close\r\nContent-Length: " +
           std::to_string(problem.size()) + "\r\n\r\n" + problem;
  }();
  if (tls) return;
  const int descriptor = socket.native_handle();
  (void)!::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_WR);
  // What has been sent and not been read would turn the close into a reset, and the answer with it.
  std::array<char, 4096> request;
  (void)!::recv(descriptor, request.data(), request.size(), MSG_DONTWAIT);
}

}  // namespace

void Listener::start(std::vector<ListeningSocket> sockets) {
  for (ListeningSocket& socket : sockets) {
    auto entrance = std::make_unique<Entrance>(worker_);
    entrance->family = socket.family;
    entrance->tls = socket.tls;
    entrance->shared = socket.shared;
    entrance->acceptor.assign(Protocol(socket.family, 0), socket.release());
    asio::co_spawn(worker_.io, accept_from(*entrance), asio::detached);
    entrances_.push_back(std::move(entrance));
  }
}

void Listener::drain() {
  worker_.draining = true;
  for (const std::unique_ptr<Entrance>& entrance : entrances_) {
    ++closing_;
    asio::co_spawn(worker_.io, close(*entrance), asio::detached);
  }
  for (Connection& connection : connections_) connection.drain();
}

bool Listener::has_only_streams() const {
  return closing_ == 0 && std::all_of(connections_.begin(), connections_.end(),
                                      [](const Connection& one) { return one.is_endless(); });
}

void Listener::end_streams() {
  for (Connection& connection : connections_) connection.end_stream();
}

void Listener::abort() {
  for (Connection& connection : connections_) connection.abort();
}

awaitable<void> Listener::accept_from(Entrance& entrance) {
  Timer pause(worker_.io);
  while (entrance.acceptor.is_open()) {
    Protocol::endpoint peer;
    auto [error, socket] = co_await entrance.acceptor.async_accept(peer, as_result);
    if (!error) {
      // Also when the entrance has been closed meanwhile: this one was in before.
      serve(std::move(socket), peer, entrance);
    } else if (is_out_of_resources(error)) {
      pause.expires_after(accept_pause);
      const auto [ignored] = co_await pause.async_wait(as_result);
      (void)ignored;
    }
  }
}

// Closing a TCP listener resets who waits in its queue, so nobody must be there then. A shared one
// lives on in its other owners, or has no file any more by which to reach it.
awaitable<void> Listener::close(Entrance& entrance) {
  if (!entrance.shared) {
    turn_away_new(entrance.acceptor.native_handle());
    Timer wait(worker_.io, handshake_time);
    const auto [ignored] = co_await wait.async_wait(as_result);
    (void)ignored;
  }
  accept_waiting(entrance);
  error_code ignored;
  entrance.acceptor.close(ignored);
  --closing_;
}

void Listener::accept_waiting(Entrance& entrance) {
  for (int count = 0; count < most_waiting; ++count) {
    Protocol::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const int accepted = ::accept4(entrance.acceptor.native_handle(), peer.data(), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return;
    peer.resize(size);
    serve(Socket(worker_.io, Protocol(entrance.family, 0), accepted), peer, entrance);
  }
}

void Listener::serve(Socket socket, const Protocol::endpoint& peer, const Entrance& entrance) {
  if (worker_.shared.connections.load(std::memory_order_relaxed) >=
      worker_.shared.settings.connection_limit) {
    turn_away(socket, entrance.tls);
    return;
  }
  Arrival arrival{.address = {}, .is_unix = entrance.family == AF_UNIX, .tls = entrance.tls};
  if (!arrival.is_unix) {
    const int on = 1;
    const int descriptor = socket.native_handle();
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_unsent, sizeof most_unsent);
    arrival.address = address_of(peer);
  }
  auto connection = std::make_unique<Connection>(worker_, std::move(socket), arrival);
  connections_.push_back(*connection);
  Connection& served = *connection;
  asio::co_spawn(worker_.io, served.run(),
                 [connection = std::move(connection)](const std::exception_ptr&) {});
}

}  // namespace larder::session
