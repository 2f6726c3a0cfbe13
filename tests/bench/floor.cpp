// The floor: what a request costs when a server does nothing but carry it. On any readable socket
// one read and one write of a fixed response with 1 KiB of content; nothing is parsed.
//
//   bench_floor PORT
#include <array>

#include "loopback.hpp"

namespace {

using namespace larder::bench;

void serve(std::uint16_t port) {
  const std::string content(1024, 'x');
  const std::string response =
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n" +
      content;
  const int listener = listen_on(port);
  const int poll = checked(epoll_create1(0), "epoll_create1");
  watch(poll, listener, EPOLLIN);
  std::array<epoll_event, 256> events;
  std::array<char, 16 * 1024> room;
  while (true) {
    const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int index = 0; index < count; ++index) {
      const int socket = events[static_cast<std::size_t>(index)].data.fd;
      if (socket == listener) {
        const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (client < 0) continue;
        send_at_once(client);
        watch(poll, client, EPOLLIN);
        continue;
      }
      const bool is_asked = read(socket, room.data(), room.size()) > 0;
      const auto size = static_cast<ssize_t>(response.size());
      if (!is_asked || write(socket, response.data(), response.size()) != size) close(socket);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail("usage: bench_floor PORT");
  serve(port_of(arguments[1]));
}
