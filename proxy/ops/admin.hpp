// Admin: the listener for whoever runs Larder. What it answers is given as routes; who may ask for
// what: ops/admin_access.
//
// Beast as it is meant to be used: these few requests are not the hot path. Loopback by default.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "config/config.hpp"
#include "ops/admin_access.hpp"
#include "store/io.hpp"

namespace larder::ops {

struct AdminRequest {
  /// Of the query, decoded, in order.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string accept;  ///< the field; empty: none
  std::string body;

  /// The first of that name; null: there is none.
  [[nodiscard]] const std::string* parameter(std::string_view name) const;
};

struct AdminAnswer {
  std::string body;
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string security_policy{};  ///< Content-Security-Policy; empty: nothing is to be run
};
[[nodiscard]] AdminAnswer json_answer(std::string body, unsigned status = 200);

struct AdminRoute {
  enum class Method : std::uint8_t { get, post };  ///< HEAD counts as GET
  std::string path;
  Method method = Method::get;
  Need need = Need::reading;
  /// Runs on the listener's io_context. What it waits for has a deadline of its own.
  std::function<awaitable<AdminAnswer>(AdminRequest)> answer;
};
/// A GET that is answered without waiting.
[[nodiscard]] AdminRoute reading_route(std::string path, Need need,
                                       std::function<AdminAnswer(const AdminRequest&)> answer);

class Admin {
 public:
  static constexpr std::size_t most_connections = 64;  ///< at once; more are closed
  static constexpr std::size_t head_limit = 8 * 1024;
  static constexpr std::size_t body_limit = 64 * 1024;

  /// To be destroyed before `io`, once it runs no more.
  Admin(asio::io_context& io, AdminPolicy policy, std::vector<AdminRoute> routes)
      : io_(io), policy_(std::move(policy)), routes_(std::move(routes)) {}

  /// What failed in words, empty on success.
  [[nodiscard]] std::string listen(const config::Endpoint& endpoint);
  void start();

 private:
  using Tcp = asio::ip::tcp;
  using Socket = asio::basic_stream_socket<Tcp, Executor>;
  [[nodiscard]] awaitable<void> accept();
  [[nodiscard]] awaitable<void> serve(Socket socket, std::shared_ptr<const void> place);

  asio::io_context& io_;
  const AdminPolicy policy_;
  const std::vector<AdminRoute> routes_;
  std::optional<asio::basic_socket_acceptor<Tcp, Executor>> acceptor_;
  /// One reference besides this for each connection.
  const std::shared_ptr<const int> places_ = std::make_shared<const int>(0);
};

}  // namespace larder::ops
