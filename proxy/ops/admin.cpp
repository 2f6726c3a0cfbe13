#include "ops/admin.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
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
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

bool is_reading(http::verb method) {
  return method == http::verb::get || method == http::verb::head;
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

/// As forms encode it: "+" is a space. What is no escape stays as it is.
std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

struct Asked {
  std::string path;
  AdminRequest request;
};
Asked read_asked(Request& request) {
  const std::string_view target = view(request.target());
  const std::size_t mark = std::min(target.find('?'), target.size());
  Asked asked;
  asked.path = target.substr(0, mark);
  std::string_view query = target.substr(std::min(mark + 1, target.size()));
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t sign = std::min(pair.find('='), pair.size());
    asked.request.parameters.emplace_back(decode(pair.substr(0, sign)),
                                          decode(pair.substr(std::min(sign + 1, pair.size()))));
  }
  asked.request.accept = view(request[http::field::accept]);
  asked.request.body = std::move(request.body());
  return asked;
}

/// Of one path there may be a route for each method.
const AdminRoute* find_route(const std::vector<AdminRoute>& routes, std::string_view path,
                             http::verb method) {
  const AdminRoute* other = nullptr;
  for (const AdminRoute& route : routes) {
    if (route.path != path) continue;
    const bool fits =
        route.method == AdminRoute::Method::get ? is_reading(method) : method == http::verb::post;
    if (fits) return &route;
    other = &route;
  }
  return other;
}

std::string list_routes(const std::vector<AdminRoute>& routes) {
  std::string list = "known:";
  for (const AdminRoute& route : routes)
    list += (route.method == AdminRoute::Method::post ? " POST " : " ") + route.path;
  return list + "\n";
}

Response make_response(AdminAnswer answer, bool is_head) {
  Response response(http::int_to_status(answer.status), 11);
  response.set(http::field::cache_control, "no-store");
  response.set(http::field::content_type, answer.content_type);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy",
               answer.security_policy.empty() ? "default-src 'none'" : answer.security_policy);
  if (answer.status == 401) response.set(http::field::www_authenticate, "Bearer");
  response.keep_alive(false);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  if (is_head) response.body().clear();
  return response;
}

}  // namespace

const std::string* AdminRequest::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [name](const auto& one) { return one.first == name; });
  return found == parameters.end() ? nullptr : &found->second;
}

AdminAnswer json_answer(std::string body, unsigned status) {
  return {std::move(body), status, "application/json"};
}

AdminRoute reading_route(std::string path, Need need,
                         std::function<AdminAnswer(const AdminRequest&)> answer) {
  auto at_once = [answer =
                      std::move(answer)](const AdminRequest& request) -> awaitable<AdminAnswer> {
    return [](AdminAnswer made) -> awaitable<AdminAnswer> { co_return made; }(answer(request));
  };
  return {std::move(path), AdminRoute::Method::get, need, std::move(at_once)};
}

std::string Admin::listen(const config::Endpoint& endpoint) {
  const std::string shown = config::format_endpoint(endpoint);
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

awaitable<void> Admin::accept() {
  Timer pause(io_);
  while (acceptor_->is_open()) {
    auto [error, socket] = co_await acceptor_->async_accept(as_result);
    if (error) {
      pause.expires_after(std::chrono::milliseconds(100));
      const auto [ignored] = co_await pause.async_wait(as_result);
      (void)ignored;
      continue;
    }
    if (static_cast<std::size_t>(places_.use_count()) > most_connections) continue;
    asio::co_spawn(io_, serve(std::move(socket), places_), asio::detached);
  }
}

awaitable<void> Admin::serve(Socket socket, std::shared_ptr<const void> place) {
  AdminStream stream(std::move(socket));
  stream.expires_after(patience);
  beast::flat_buffer buffer(head_limit + body_limit);
  http::request_parser<http::string_body> parser;
  parser.header_limit(head_limit);
  parser.body_limit(body_limit);
  const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, as_result);
  (void)read;
  AdminAnswer answer;
  const http::verb method = parser.get().method();
  if (read_error == http::error::body_limit) {
    answer = {"the content is too large\n", 413};
  } else if (read_error) {
    co_return;
  } else {
    Request& request = parser.get();
    Asked asked = read_asked(request);
    const AdminRoute* route = find_route(routes_, asked.path, method);
    const Need need = route ? route->need : Need::reading;
    const AdminCaller caller{view(request[http::field::host]), view(request[http::field::origin]),
                             view(request[http::field::authorization])};
    const std::optional<Denied> denied = decide_admin_access(policy_, need, caller);
    if (denied) {
      answer = {std::string(denied->reason) + "\n", denied->status};
    } else if (!route) {
      answer = {list_routes(routes_), 404};
    } else if (route->method == AdminRoute::Method::get && !is_reading(method)) {
      answer = {"GET and HEAD only\n", 405};
    } else if (route->method == AdminRoute::Method::post && method != http::verb::post) {
      answer = {"POST only\n", 405};
    } else {
      AdminAnswer made = co_await route->answer(std::move(asked.request));
      answer = std::move(made);
    }
  }
  const Response response = make_response(std::move(answer), method == http::verb::head);
  stream.expires_after(patience);
  const auto [write_error, written] = co_await http::async_write(stream, response, as_result);
  (void)write_error;
  (void)written;
  error_code ignored;
  stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  place.reset();
}

}  // namespace larder::ops
