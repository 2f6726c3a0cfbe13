#include "session/listener.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace larder::session {

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
/// Between attempts when the system has no descriptor or memory for another socket: never a spin.
constexpr milliseconds accept_pause{100};
constexpr int backlog = 4096;

bool is_out_of_resources(const error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::no_buffer_space ||
         error == boost::system::errc::not_enough_memory;
}

}  // namespace

std::string Listener::listen(const config::Endpoint& endpoint) {
  const std::string shown = endpoint.host + ":" + std::to_string(endpoint.port);
  error_code error;
  asio::ip::basic_resolver<Tcp, Executor> resolver(worker_.io);
  const auto results =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), Tcp::resolver::passive, error);
  if (error || results.empty()) return "cannot listen on " + shown + ": the name does not resolve";
  const Tcp::endpoint address = results.begin()->endpoint();
  auto acceptor = std::make_unique<Acceptor>(worker_.io);
  acceptor->open(address.protocol(), error);
  const int on = 1;
  if (!error) acceptor->set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error &&
      ::setsockopt(acceptor->native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    error = error_code(errno, boost::system::system_category());
  if (!error) acceptor->bind(address, error);
  if (!error) acceptor->listen(backlog, error);
  if (error) return "cannot listen on " + shown + ": " + error.message();
  acceptors_.push_back(std::move(acceptor));
  return {};
}

void Listener::start() {
  for (const std::unique_ptr<Acceptor>& acceptor : acceptors_)
    asio::co_spawn(worker_.io, accept_from(*acceptor), asio::detached);
}

void Listener::drain() {
  error_code ignored;
  for (const std::unique_ptr<Acceptor>& acceptor : acceptors_) acceptor->close(ignored);
  worker_.draining = true;
  for (Connection& connection : connections_) connection.drain();
}

void Listener::abort() {
  for (Connection& connection : connections_) connection.abort();
}

awaitable<void> Listener::accept_from(Acceptor& acceptor) {
  Timer pause(worker_.io);
  while (acceptor.is_open()) {
    Tcp::endpoint peer;
    auto [error, socket] = co_await acceptor.async_accept(peer, as_result);
    if (!acceptor.is_open()) co_return;
    if (error) {
      if (!is_out_of_resources(error)) continue;  // that client is gone already
      pause.expires_after(accept_pause);
      const auto [ignored] = co_await pause.async_wait(as_result);
      (void)ignored;
      continue;
    }
    serve(std::move(socket), peer);
  }
}

void Listener::serve(asio::basic_stream_socket<Tcp, Executor> socket, const Tcp::endpoint& peer) {
  // Over the limit: closed at once, so that those who are served stay served.
  if (worker_.shared.connections.load(std::memory_order_relaxed) >=
      worker_.shared.settings.connection_limit)
    return;
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  asio::ip::address address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  auto connection =
      std::make_unique<Connection>(worker_, Socket(std::move(socket)), address.to_string(),
                                   worker_.shared.trusted.contains(address));
  connections_.push_back(*connection);
  Connection& served = *connection;
  asio::co_spawn(worker_.io, served.run(),
                 [connection = std::move(connection)](const std::exception_ptr&) {});
}

}  // namespace larder::session
