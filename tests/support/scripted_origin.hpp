// Scripted origin: raw sockets that do as they are told, and the pool that talks to them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "session/origin.hpp"
#include "support/run.hpp"

namespace larder::session::test {

/// An origin of raw sockets: one script for each connection it accepts, in order.
class ScriptedOrigin {
 public:
  /// Reads one head, then does what it is made to do with the socket, which is closed afterwards.
  using Script = std::function<void(int socket)>;

  explicit ScriptedOrigin(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (const Script& script : scripts_) {
        pollfd waiting{listener_, POLLIN, 0};
        if (::poll(&waiting, 1, 5000) <= 0) return;
        const int socket = ::accept(listener_, nullptr, nullptr);
        if (socket < 0) return;
        ++accepted_;
        script(socket);
        ::close(socket);
      }
    });
  }
  ~ScriptedOrigin() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int accepted() const { return accepted_; }

  static std::string read_head(int socket) {
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos && ::recv(socket, &byte, 1, 0) == 1)
      head += byte;
    return head;
  }
  static void send(int socket, std::string_view bytes) {
    (void)!::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  static Script answer(std::string bytes) {
    return [bytes = std::move(bytes)](int socket) {
      read_head(socket);
      send(socket, bytes);
    };
  }

 private:
  std::vector<Script> scripts_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

/// Where nobody listens, nor will: the port stays taken until the process ends.
inline std::uint16_t closed_port() {
  const int taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

inline config::Settings settings_for(const std::vector<std::uint16_t>& ports) {
  config::Settings settings;
  settings.upstreams.clear();
  for (const std::uint16_t port : ports) settings.upstreams.push_back({{"127.0.0.1", port}});
  settings.connect_timeout = milliseconds{1000};
  return settings;
}

struct Rig {
  explicit Rig(config::Settings given, Resolve resolve = {})
      : settings(std::move(given)),
        admission(settings.origin_limit, settings.origin_queue, settings.origin_queue_timeout),
        pool(io, deadlines, settings, backends, admission, std::move(resolve)) {}
  explicit Rig(std::uint16_t port) : Rig(settings_for({port})) {}

  config::Settings settings;
  asio::io_context io{1};
  Deadlines deadlines{io};
  Backends backends{settings};
  Admission admission;
  OriginPool pool;

  static FetchRequest request(bool repeatable = true, milliseconds patience = milliseconds{2000}) {
    return {.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            .method = http::Method::get,
            .repeatable = repeatable,
            .wants_upgrade = false,
            .first_byte_timeout = patience};
  }
  FetchResult get(bool repeatable = true, milliseconds patience = milliseconds{2000}) {
    return larder::test::run(io, fetch(pool, request(repeatable, patience)));
  }
};

/// The status, or what failed.
inline std::string outcome(const FetchResult& result) {
  if (const auto* failure = std::get_if<FetchFailure>(&result))
    return std::string(describe(*failure));
  return std::to_string(std::get<OriginAnswer>(result).connection->head.status);
}

inline const char* const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

}  // namespace larder::session::test
