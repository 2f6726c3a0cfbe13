#include "session/connecting.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace larder::session {

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, Executor>;

class CancelLookup final : public Deadline {
 public:
  explicit CancelLookup(Resolver& resolver) : resolver_(resolver) {}

 private:
  void on_expiry() override { resolver_.cancel(); }
  Resolver& resolver_;
};

awaitable<Resolved> look_up(asio::io_context& io, Deadlines& deadlines, std::string host,
                            std::uint16_t port, milliseconds timeout) {
  Resolver resolver(io);
  CancelLookup deadline(resolver);
  deadlines.set(deadline, timeout);
  auto [error, results] = co_await resolver.async_resolve(host, std::to_string(port), as_result);
  if (error)
    co_return deadline.is_expired() ? FetchFailure::connect_timed_out
                                    : FetchFailure::name_not_resolved;
  Addresses addresses;
  for (const auto& result : results) addresses.emplace_back(result.endpoint());
  co_return addresses;
}

/// What the attempts for one connection share; it lives until the last of them has ended.
struct Race {
  explicit Race(asio::io_context& io) : changed(io) { sockets.reserve(8); }

  Timer changed;
  std::vector<Socket*> sockets;  ///< being connected
  std::size_t failed = 0;
  std::optional<Connected> winner;
  error_code last_error;
  bool is_over = false;

  void end() {
    is_over = true;
    error_code ignored;
    for (Socket* socket : sockets) socket->cancel(ignored);
  }
};

awaitable<void> attempt(asio::io_context& io, std::shared_ptr<Race> race, Address address) {
  Socket socket(io);
  error_code error;
  socket.open(address.protocol(), error);
  if (!error) socket.non_blocking(true, error);
  if (!error && !race->is_over) {
    race->sockets.push_back(&socket);
    const auto [failure] = co_await socket.async_connect(address, as_result);
    error = failure;
    std::erase(race->sockets, &socket);
    // A Unix socket whose queue is full looks connected to poll(), and is not.
    if (!error) socket.remote_endpoint(error);
  }
  if (race->is_over) co_return;
  if (error) {
    ++race->failed;
    race->last_error = error;
  } else {
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    race->winner.emplace(Connected{std::move(socket), std::move(address)});
    race->end();
  }
  race->changed.cancel();
}

}  // namespace

Resolve system_resolve(asio::io_context& io, Deadlines& deadlines) {
  return [&io, &deadlines](const config::Endpoint& endpoint, milliseconds timeout) {
    return look_up(io, deadlines, endpoint.host, endpoint.port, timeout);
  };
}

Addresses literal_addresses(const config::Endpoint& endpoint) {
  if (endpoint.is_unix()) return {asio::local::stream_protocol::endpoint(endpoint.path)};
  error_code error;
  const asio::ip::address address = asio::ip::make_address(endpoint.host, error);
  if (error) return {};
  return {Tcp::endpoint(address, endpoint.port)};
}

Addresses interleave(const Addresses& addresses) {
  if (addresses.empty()) return {};
  const int first_family = addresses.front().protocol().family();
  Addresses first;
  Addresses second;
  for (const Address& address : addresses)
    (address.protocol().family() == first_family ? first : second).push_back(address);
  Addresses mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

awaitable<ConnectResult> connect_first(asio::io_context& io, Addresses addresses,
                                       milliseconds timeout, std::string& why) {
  const auto race = std::make_shared<Race>(io);
  const SteadyClock::time_point give_up = SteadyClock::now() + timeout;
  SteadyClock::time_point next_start = SteadyClock::now();
  std::size_t started = 0;
  while (!race->winner && (race->failed < addresses.size()) && SteadyClock::now() < give_up) {
    const bool all_failed = race->failed == started;
    if (started < addresses.size() && (all_failed || SteadyClock::now() >= next_start)) {
      asio::co_spawn(io, attempt(io, race, addresses[started]), asio::detached);
      ++started;
      next_start = SteadyClock::now() + connection_attempt_delay;
      if (race->winner || race->failed == started) continue;  // it ended before it had to wait
    }
    race->changed.expires_at(started < addresses.size() ? std::min(give_up, next_start) : give_up);
    const auto [ignored] = co_await race->changed.async_wait(as_result);
    (void)ignored;
  }
  if (race->winner) co_return std::move(*race->winner);
  race->end();
  const bool refused = race->failed == addresses.size();
  why = refused ? race->last_error.message() : "did not accept a connection in time";
  co_return refused ? FetchFailure::refused : FetchFailure::connect_timed_out;
}

}  // namespace larder::session
