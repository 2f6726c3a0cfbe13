// The floor: what a request costs when a server does nothing but carry it. On any readable socket
// one read, and one write of a fixed response (more when the socket is full); nothing is parsed.
//
//   bench_floor PORT [KIB]     KIB of content, 1 unless said
#include <array>
#include <vector>

#include "loopback.hpp"

namespace {

using namespace larder::bench;

class Floor {
 public:
  Floor(std::uint16_t port, std::size_t content)
      : listener_(listen_on(port)),
        poll_(checked(epoll_create1(0), "epoll_create1")),
        response_("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                  std::to_string(content) + "\r\n\r\n" + std::string(content, 'x')) {
    watch(poll_, listener_, EPOLLIN);
  }

  [[noreturn]] void serve() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int index = 0; index < count; ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        if (event.data.fd == listener_) {
          accept_one();
        } else if (!carry_on(event.data.fd, event.events)) {
          close(event.data.fd);
        }
      }
    }
  }

 private:
  void accept_one() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (socket < 0) return;
    send_at_once(socket);
    const auto index = static_cast<std::size_t>(socket);
    if (left_.size() <= index) left_.resize(index + 1);
    left_[index] = 0;
    // As edges: readable is a request, writable is room again for the rest of a response.
    watch(poll_, socket, EPOLLIN | EPOLLOUT | EPOLLET);
  }

  bool carry_on(int socket, std::uint32_t events) {
    std::size_t& left = left_[static_cast<std::size_t>(socket)];
    if (left == 0 && (events & EPOLLIN) != 0) {
      const ssize_t size = read(socket, room_.data(), room_.size());
      if (size <= 0) return size < 0 && errno == EAGAIN;
      left = response_.size();
    }
    if (left == 0) return true;
    const ssize_t size =
        send(socket, response_.data() + response_.size() - left, left, MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN;
    left -= static_cast<std::size_t>(size);
    return true;
  }

  int listener_;
  int poll_;
  std::string response_;
  std::vector<std::size_t> left_;  ///< of the response to each socket
  std::array<char, 16 * 1024> room_{};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 && count != 3) fail("usage: bench_floor PORT [KIB]");
  const std::size_t kib = count == 3 ? std::strtoul(arguments[2], nullptr, 10) : 1;
  Floor(port_of(arguments[1]), kib * 1024).serve();
}
