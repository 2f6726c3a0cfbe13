// Sockets on 127.0.0.1 and epoll, as the programs of the benchmark use them: edge cases end the
// program, since a figure from a run that stumbled is worth nothing.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace larder::bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

inline int checked(int result, const char* what) {
  if (result < 0) fail(std::string(what) + ": " + std::strerror(errno));
  return result;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void send_at_once(int socket) {
  const int on = 1;
  checked(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

/// A listening socket, not blocking. The caller owns it.
inline int listen_on(std::uint16_t port) {
  const int socket = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  const int on = 1;
  checked(setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  const sockaddr_in address = loopback(port);
  checked(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(listen(socket, 4096), "listen");
  return socket;
}

/// A connection that stands; its calls block unless MSG_DONTWAIT says not. The caller owns it.
inline int connect_to(std::uint16_t port) {
  const int socket = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  const sockaddr_in address = loopback(port);
  checked(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  send_at_once(socket);
  return socket;
}

inline void watch(int poll, int socket, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  checked(epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
}

inline std::uint16_t port_of(const char* text) {
  const int port = std::atoi(text);
  if (port <= 0 || port > 65535) fail(std::string("not a port: ") + text);
  return static_cast<std::uint16_t>(port);
}

}  // namespace larder::bench
