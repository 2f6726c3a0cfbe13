#include "ops/admin.hpp"

#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace larder::ops {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
constexpr std::chrono::seconds patience{5};
using AdminStream = beast::basic_stream<asio::ip::tcp, Executor>;

http::response<http::string_body> answer(
    const http::request<http::empty_body>& request,
    const std::function<Admin::Readiness()>& readiness, const std::function<std::string()>& stats,
    const std::function<MetricsPage(std::string_view)>& metrics) {
  http::response<http::string_body> response(http::status::ok, 11);
  response.set(http::field::cache_control, "no-store");
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.keep_alive(false);
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "GET and HEAD only\n";
  } else if (request.target() == "/healthz") {
    response.body() = "ok\n";
  } else if (request.target() == "/readyz") {
    const Admin::Readiness now = readiness();
    if (!now.ready) response.result(http::status::service_unavailable);
    response.body() = now.text + "\n";
  } else if (request.target() == "/stats") {
    response.set(http::field::content_type, "application/json");
    response.body() = stats();
  } else if (request.target() == "/metrics") {
    MetricsPage page = metrics(request[http::field::accept]);
    response.set(http::field::content_type, page.content_type);
    response.body() = std::move(page.text);
  } else {
    response.result(http::status::not_found);
    response.body() = "known: /healthz, /readyz, /stats, /metrics\n";
  }
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

}  // namespace

std::string Admin::listen(const config::Endpoint& endpoint) {
  const std::string shown = endpoint.host + ":" + std::to_string(endpoint.port);
  error_code error;
  asio::ip::basic_resolver<Tcp, Executor> resolver(io_);
  const auto results =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), Tcp::resolver::passive, error);
  if (error || results.empty())
    return "the admin listener cannot listen on " + shown + ": the name does not resolve";
  const Tcp::endpoint address = results.begin()->endpoint();
  acceptor_.emplace(io_);
  acceptor_->open(address.protocol(), error);
  if (!error) acceptor_->set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_->bind(address, error);
  if (!error) acceptor_->listen(64, error);
  return error ? "the admin listener cannot listen on " + shown + ": " + error.message()
               : std::string();
}

void Admin::start() {
  if (acceptor_) asio::co_spawn(io_, accept(), asio::detached);
}

void Admin::stop() {
  error_code ignored;
  if (acceptor_) acceptor_->close(ignored);
}

awaitable<void> Admin::accept() {
  Timer pause(io_);
  while (acceptor_->is_open()) {
    auto [error, socket] = co_await acceptor_->async_accept(as_result);
    if (!acceptor_->is_open()) co_return;
    if (error) {
      pause.expires_after(std::chrono::milliseconds(100));
      const auto [ignored] = co_await pause.async_wait(as_result);
      (void)ignored;
      continue;
    }
    asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
  }
}

awaitable<void> Admin::serve(asio::basic_stream_socket<Tcp, Executor> socket) {
  AdminStream stream(std::move(socket));
  stream.expires_after(patience);
  beast::flat_buffer buffer(8 * 1024);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(8 * 1024);
  const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, as_result);
  (void)read;
  if (read_error) co_return;
  const http::response<http::string_body> response =
      answer(parser.get(), sources_.readiness, sources_.stats, sources_.metrics);
  const auto [write_error, written] = co_await http::async_write(stream, response, as_result);
  (void)write_error;
  (void)written;
  error_code ignored;
  stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
}

std::string ask_health(const config::Endpoint& admin, std::chrono::milliseconds timeout) {
  asio::io_context io;
  std::string wrong = "no answer";
  const std::string host = admin.host == "0.0.0.0" ? "127.0.0.1"
                           : admin.host == "::"    ? "::1"
                                                   : admin.host;
  asio::co_spawn(
      io,
      [&]() -> awaitable<void> {
        asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(io);
        const auto [unresolved, results] =
            co_await resolver.async_resolve(host, std::to_string(admin.port), as_result);
        AdminStream stream(io);
        stream.expires_after(timeout);
        error_code error = unresolved;
        if (!error) {
          const auto [failure, endpoint] = co_await stream.async_connect(results, as_result);
          (void)endpoint;
          error = failure;
        }
        http::response<http::string_body> response;
        if (!error) {
          http::request<http::empty_body> request(http::verb::get, "/healthz", 11);
          request.set(http::field::host, host);
          const auto [failure, size] = co_await http::async_write(stream, request, as_result);
          (void)size;
          error = failure;
        }
        if (!error) {
          beast::flat_buffer buffer;
          const auto [failure, size] =
              co_await http::async_read(stream, buffer, response, as_result);
          (void)size;
          error = failure;
        }
        if (error) {
          wrong = error.message();
        } else if (response.result() != http::status::ok) {
          wrong = "answered " + std::to_string(response.result_int());
        } else {
          wrong.clear();
        }
      },
      asio::detached);
  io.run_for(timeout + std::chrono::milliseconds(500));
  return wrong;
}

}  // namespace larder::ops
