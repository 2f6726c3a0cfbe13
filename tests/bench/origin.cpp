// The origin behind every server that is compared: cheap, and the same for all.
//
//   bench_origin PORT
//
// GET, HEAD  /kib/N/...       200, N KiB that nobody compresses; fresh for a day, with an entity
// tag
//            /json/N/...      the same as JSON that gzip makes much smaller
//            /private/N/...   as /kib/N/, but Cache-Control: no-store
//            /bytes/N/...     as /kib/N/, but N bytes
//            /mixed/N/        of a size between 200 bytes and 64 KiB that follows from N, small
//            ones
//                             as many as large ones, each by its logarithm
//            /tagged/N/T/     100 bytes; ten tags: from 10 T on where T is a number, else 0 to 9
//            /count           how many requests came so far, /count itself apart
// others     204, without content
//
// Requests are believed to be well formed: each ends with its empty line and has no content.
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "loopback.hpp"

namespace {

using namespace larder::bench;

constexpr std::size_t largest_kib = 1024;

class Origin {
 public:
  explicit Origin(std::uint16_t port)
      : listener_(listen_on(port)), poll_(checked(epoll_create1(0), "epoll_create1")) {
    watch(poll_, listener_, EPOLLIN);
    static constexpr std::string_view row = R"({"id":17,"company":"Acme","status":"applied"},)";
    while (json_.size() < largest_kib * 1024) json_ += row;
  }

  [[noreturn]] void serve() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int index = 0; index < count; ++index) {
        const int socket = events[static_cast<std::size_t>(index)].data.fd;
        if (socket == listener_) {
          accept_one();
        } else if (!carry_on(socket)) {
          clients_.erase(socket);
          close(socket);
        }
      }
    }
  }

 private:
  struct Client {
    std::string in;
    std::string out;
    std::size_t sent = 0;
  };

  void accept_one() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (socket < 0) return;
    send_at_once(socket);
    clients_[socket];
    // Writable as an edge: it comes when a socket that was full has room again.
    watch(poll_, socket, EPOLLIN | EPOLLOUT | EPOLLET);
  }

  /// False when the connection has ended.
  bool carry_on(int socket) {
    Client& client = clients_[socket];
    std::array<char, 16 * 1024> room;
    while (true) {
      const ssize_t size = read(socket, room.data(), room.size());
      if (size == 0 || (size < 0 && errno != EAGAIN)) return false;
      if (size < 0) break;
      client.in.append(room.data(), static_cast<std::size_t>(size));
    }
    for (std::size_t end = client.in.find("\r\n\r\n"); end != std::string::npos;
         end = client.in.find("\r\n\r\n")) {
      answer(std::string_view(client.in).substr(0, end), client.out);
      client.in.erase(0, end + 4);
    }
    while (client.sent < client.out.size()) {
      const ssize_t size = send(socket, client.out.data() + client.sent,
                                client.out.size() - client.sent, MSG_NOSIGNAL);
      if (size < 0) return errno == EAGAIN;
      client.sent += static_cast<std::size_t>(size);
    }
    client.out.clear();
    client.sent = 0;
    return true;
  }

  void answer(std::string_view head, std::string& out) {
    const std::string_view method = head.substr(0, head.find(' '));
    const std::string_view rest = head.substr(std::min(method.size() + 1, head.size()));
    const std::string_view target = rest.substr(0, rest.find(' '));
    if (target == "/count") {
      const std::string number = std::to_string(count_);
      append(out, "text/plain", "no-store", "", number, number.size());
      return;
    }
    ++count_;
    if (method != "GET" && method != "HEAD") {
      out += "HTTP/1.1 204 No Content\r\n\r\n";
      return;
    }
    const std::size_t size = size_of(target);
    const std::string_view content = target.starts_with("/json/") ? json_ : plain_;
    append(out, target.starts_with("/json/") ? "application/json" : "application/octet-stream",
           target.starts_with("/private/") ? "no-store" : "public, max-age=86400",
           target.starts_with("/tagged/") ? tags_of(target) : std::string(),
           method == "HEAD" ? std::string_view() : content.substr(0, size), size);
  }

  static void append(std::string& out, std::string_view type, std::string_view cache_control,
                     const std::string& more, std::string_view content, std::size_t length) {
    out.append("HTTP/1.1 200 OK\r\nContent-Type: ").append(type);
    out.append("\r\nCache-Control: ").append(cache_control).append(more);
    out.append("\r\nETag: \"bench\"\r\nContent-Length: ").append(std::to_string(length));
    out.append("\r\n\r\n").append(content);
  }

  /// The number in that segment, the first being 0; nothing where none begins it.
  static std::optional<std::size_t> number_in(std::string_view target, int segment) {
    std::size_t slash = 0;
    while (segment-- > 0 && slash != std::string_view::npos) slash = target.find('/', slash + 1);
    std::size_t number = 0;
    if (slash == std::string_view::npos ||
        std::from_chars(target.data() + slash + 1, target.data() + target.size(), number).ec !=
            std::errc())
      return std::nullopt;
    return number;
  }

  static std::size_t size_of(std::string_view target) {
    const std::size_t number = number_in(target, 1).value_or(1);
    if (target.starts_with("/tagged/")) return 100;
    if (target.starts_with("/mixed/")) return mixed_size(number);
    const std::size_t size = target.starts_with("/bytes/") ? number : number * 1024;
    return std::min(size, largest_kib * 1024);
  }

  static std::size_t mixed_size(std::size_t number) {
    // Neighbours differ: the upper bits of a product depend on all of the number.
    const auto mixed = static_cast<double>(number * 0x9E37'79B9'7F4A'7C15 >> 11) * 0x1p-53;
    return static_cast<std::size_t>(200.0 * std::pow(65'536.0 / 200.0, mixed));
  }

  static std::string tags_of(std::string_view target) {
    const std::size_t first = 10 * number_in(target, 2).value_or(0);
    std::string line = "\r\nSurrogate-Key:";
    for (std::size_t tag = first; tag < first + 10; ++tag) line += " tag" + std::to_string(tag);
    return line;
  }

  int listener_;
  int poll_;
  std::unordered_map<int, Client> clients_;
  std::uint64_t count_ = 0;
  std::string plain_ = std::string(largest_kib * 1024, 'x');
  std::string json_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail("usage: bench_origin PORT");
  Origin(port_of(arguments[1])).serve();
}
