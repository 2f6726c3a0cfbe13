#include "ops/admin_client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "store/io.hpp"

namespace larder::ops {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
constexpr std::uint64_t longest_answer = 16ULL << 20;

http::request<http::string_body> make_request(const config::Endpoint& admin,
                                              const AdminCall& call) {
  http::request<http::string_body> request(http::string_to_verb(call.method), call.target, 11);
  request.set(http::field::host, config::format_endpoint(admin));
  if (!call.token.empty()) request.set(http::field::authorization, "Bearer " + call.token);
  if (!call.body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = call.body;
  request.prepare_payload();
  return request;
}

awaitable<void> ask(config::Endpoint admin, AdminCall call, std::chrono::milliseconds timeout,
                    AdminReply& reply) {
  const Executor executor = co_await asio::this_coro::executor;
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(executor);
  beast::basic_stream<asio::ip::tcp, Executor> stream(executor);
  stream.expires_after(timeout);
  const auto [unresolved, results] =
      co_await resolver.async_resolve(admin.host, std::to_string(admin.port), as_result);
  error_code error = unresolved;
  if (!error) {
    const auto [failure, endpoint] = co_await stream.async_connect(results, as_result);
    (void)endpoint;
    error = failure;
  }
  const http::request<http::string_body> request = make_request(admin, call);
  if (!error) {
    const auto [failure, size] = co_await http::async_write(stream, request, as_result);
    (void)size;
    error = failure;
  }
  http::response_parser<http::string_body> parser;
  parser.body_limit(longest_answer);
  if (!error) {
    beast::flat_buffer buffer;
    const auto [failure, size] = co_await http::async_read(stream, buffer, parser, as_result);
    (void)size;
    error = failure;
  }
  reply.failure = error ? error.message() : std::string();
  reply.status = parser.get().result_int();
  reply.body = std::move(parser.get().body());
}

}  // namespace

AdminReply ask_admin(const config::Endpoint& admin, const AdminCall& call,
                     std::chrono::milliseconds timeout) {
  asio::io_context io;
  AdminReply reply;
  reply.failure = "no answer";
  config::Endpoint reached = admin;
  if (reached.host == "0.0.0.0") reached.host = "127.0.0.1";
  if (reached.host == "::") reached.host = "::1";
  asio::co_spawn(io, ask(std::move(reached), call, timeout, reply), asio::detached);
  io.run_for(timeout + std::chrono::milliseconds(500));
  return reply;
}

}  // namespace larder::ops
