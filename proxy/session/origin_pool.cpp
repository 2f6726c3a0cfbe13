#include "session/origin_pool.hpp"

#include <netinet/tcp.h>

#include <functional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>

namespace larder::session {

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
/// How long a resolved name is believed: compose gives a recreated container a new address.
constexpr std::chrono::seconds name_is_believed{5};

class ConnectDeadline final : public Deadline {
 public:
  explicit ConnectDeadline(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

 private:
  void on_expiry() override { cancel_(); }
  std::function<void()> cancel_;
};

}  // namespace

OriginPool::OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings)
    : io_(io), deadlines_(deadlines), settings_(settings) {}

awaitable<OriginPool::Acquired> OriginPool::acquire(bool fresh) {
  while (!fresh && !idle_.empty()) {
    OriginConnectionPointer connection = std::move(idle_.back());
    idle_.pop_back();
    const bool too_old =
        SteadyClock::now() - connection->idle_since >= settings_.origin_idle_timeout;
    if (too_old || connection->stream.is_readable_now()) continue;
    co_return connection;
  }
  Acquired connected = co_await connect();
  co_return connected;
}

void OriginPool::release(OriginConnectionPointer connection) {
  if (idle_.size() >= settings_.origin_idle_limit || settings_.origin_idle_timeout.count() == 0)
    return;
  connection->begin_anew();
  connection->idle_since = SteadyClock::now();
  idle_.push_back(std::move(connection));
  if (!sweep_.is_linked()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

void OriginPool::close_idle() {
  idle_.clear();
}

void OriginPool::sweep() {
  const SteadyClock::time_point now = SteadyClock::now();
  std::erase_if(idle_, [&](const OriginConnectionPointer& connection) {
    return now - connection->idle_since >= settings_.origin_idle_timeout;
  });
  if (!idle_.empty()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

awaitable<FetchFailure> OriginPool::resolve() {
  error_code error;
  const asio::ip::address literal = asio::ip::make_address(settings_.upstream.host, error);
  if (!error) {
    endpoints_ = {{literal, settings_.upstream.port}};
    co_return FetchFailure::none;
  }
  if (!endpoints_.empty() && SteadyClock::now() - resolved_at_ < name_is_believed)
    co_return FetchFailure::none;
  asio::ip::basic_resolver<Tcp, Executor> resolver(io_);
  ConnectDeadline deadline([&resolver] { resolver.cancel(); });
  deadlines_.set(deadline, settings_.connect_timeout);
  auto [failure, results] = co_await resolver.async_resolve(
      settings_.upstream.host, std::to_string(settings_.upstream.port), as_result);
  if (failure)
    co_return deadline.is_expired() ? FetchFailure::connect_timed_out
                                    : FetchFailure::name_not_resolved;
  endpoints_.clear();
  for (const auto& result : results) endpoints_.push_back(result.endpoint());
  resolved_at_ = SteadyClock::now();
  co_return FetchFailure::none;
}

awaitable<OriginPool::Acquired> OriginPool::connect() {
  const FetchFailure unresolved = co_await resolve();
  if (unresolved != FetchFailure::none) co_return unresolved;
  FetchFailure last = FetchFailure::refused;
  const Endpoints endpoints = endpoints_;
  for (const Tcp::endpoint& endpoint : endpoints) {
    Socket socket(io_);
    error_code error;
    socket.open(asio::generic::stream_protocol(endpoint.protocol()), error);
    if (error) continue;
    socket.non_blocking(true, error);
    ConnectDeadline deadline([&socket] {
      error_code ignored;
      socket.cancel(ignored);
    });
    deadlines_.set(deadline, settings_.connect_timeout);
    const auto [failure] = co_await socket.async_connect(endpoint, as_result);
    if (!failure) {
      const int on = 1;
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      co_return std::make_unique<OriginConnection>(std::move(socket), deadlines_);
    }
    last = deadline.is_expired() ? FetchFailure::connect_timed_out : FetchFailure::refused;
  }
  resolved_at_ = {};  // the name may lead elsewhere by now
  co_return last;
}

}  // namespace larder::session
