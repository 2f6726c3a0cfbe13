// Admin: the listener for whoever runs Larder: /healthz, /readyz, /stats. Loopback by default.
//
// Beast as it is meant to be used: these few requests are not the hot path.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "config/config.hpp"
#include "ops/metrics.hpp"
#include "store/io.hpp"

namespace larder::ops {

class Admin {
 public:
  struct Readiness {
    bool ready = false;
    std::string text;  ///< "ready", "ready, degraded: Redis is not reachable", "draining"
  };
  struct Sources {
    std::function<Readiness()> readiness;
    std::function<std::string()> stats;  ///< JSON
    /// For a scraper that sends this Accept.
    std::function<MetricsPage(std::string_view)> metrics;
  };

  Admin(asio::io_context& io, Sources sources) : io_(io), sources_(std::move(sources)) {}

  /// What failed in words, empty on success.
  [[nodiscard]] std::string listen(const config::Endpoint& endpoint);
  void start();
  void stop();

 private:
  using Tcp = asio::ip::tcp;
  [[nodiscard]] awaitable<void> accept();
  [[nodiscard]] awaitable<void> serve(asio::basic_stream_socket<Tcp, Executor> socket);

  asio::io_context& io_;
  Sources sources_;
  std::optional<asio::basic_socket_acceptor<Tcp, Executor>> acceptor_;
};

/// Asks a running Larder's /healthz. Empty when it is well, otherwise what is wrong.
[[nodiscard]] std::string ask_health(const config::Endpoint& admin,
                                     std::chrono::milliseconds timeout);

}  // namespace larder::ops
