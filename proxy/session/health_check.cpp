#include "session/health_check.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "session/origin.hpp"

namespace larder::session {

namespace {

awaitable<void> check_forever(asio::io_context& io, OriginPool& pool, std::size_t backend) {
  Timer timer(io);
  while (true) {
    timer.expires_after(pool.settings().health_check.interval);
    const auto [error] = co_await timer.async_wait(asio::as_tuple(use_awaitable));
    if (error) co_return;
    co_await check_health(pool, backend);
  }
}

/// Why it is not well; empty: it is.
awaitable<std::string> ask(OriginPool& pool, OriginConnection& connection,
                           SteadyClock::time_point give_up) {
  const config::HealthCheck& settings = pool.settings().health_check;
  const std::string request =
      make_check_request(settings, pool.backends().upstream(connection.backend));
  const IoStatus sent = co_await connection.stream.write(request, time_until(give_up));
  if (sent != IoStatus::ok) co_return std::string(describe(FetchFailure::closed_before_answer));
  const HeadTimeout timeout = [give_up] { return time_until(give_up); };
  const FetchRequest asked{.head = request};
  const FetchFailure failure =
      co_await read_final_head(connection, asked, pool.settings(), timeout);
  if (failure != FetchFailure::none) co_return std::string(describe(failure));
  const std::uint16_t status = connection.head.status;
  if (status < 400) co_return std::string();
  co_return "it answered " + std::to_string(status) + " to " + settings.path;
}

}  // namespace

std::string make_check_request(const config::HealthCheck& settings,
                               const config::Upstream& upstream) {
  std::string host = settings.host;
  if (host.empty())
    host = upstream.endpoint.is_unix() ? "localhost" : config::format_endpoint(upstream.endpoint);
  return "GET " + settings.path + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: larder-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

awaitable<void> check_health(OriginPool& pool, std::size_t backend) {
  const milliseconds timeout = pool.settings().health_check.timeout;
  const SteadyClock::time_point give_up = SteadyClock::now() + timeout;
  std::string why;
  OriginPool::Acquired connected = co_await pool.connect(backend, timeout, why);
  if (auto* connection = std::get_if<OriginConnectionPointer>(&connected)) {
    std::string wrong = co_await ask(pool, **connection, give_up);
    why = std::move(wrong);
  }
  pool.backends().note_check(backend, why.empty(), why);
}

void start_health_checks(asio::io_context& io, OriginPool& pool) {
  if (pool.settings().health_check.path.empty()) return;
  for (std::size_t backend = 0; backend < pool.backends().size(); ++backend)
    asio::co_spawn(io, check_forever(io, pool, backend), asio::detached);
}

}  // namespace larder::session
