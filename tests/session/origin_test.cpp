#include "session/origin.hpp"

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

#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;

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

struct Rig {
  explicit Rig(std::uint16_t port) {
    settings.upstream = {"127.0.0.1", port};
    settings.connect_timeout = 1s;
  }
  config::Settings settings;
  asio::io_context io{1};
  Deadlines deadlines{io};
  OriginPool pool{io, deadlines, settings};

  FetchResult get(bool repeatable = true, milliseconds patience = 2s) {
    FetchRequest request{.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                         .method = http::Method::get,
                         .repeatable = repeatable,
                         .wants_upgrade = false,
                         .first_byte_timeout = patience};
    return test::run(io, fetch(pool, std::move(request), InterimSink()));
  }
};

std::string outcome(const FetchResult& result) {
  if (const auto* failure = std::get_if<FetchFailure>(&result))
    return std::string(describe(*failure));
  return std::to_string(std::get<OriginAnswer>(result).connection->head.status);
}

TEST_CASE("fetch: what an origin may do wrong, and what it is called") {
  struct Case {
    const char* name;
    ScriptedOrigin::Script script;
    const char* expected;
  };
  const Case cases[] = {
      {"answers", ScriptedOrigin::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200"},
      {"answers after interim responses",
       ScriptedOrigin::answer(
           "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
       "200"},
      {"closes without a word", ScriptedOrigin::answer(""),
       "the upstream closed the connection before it answered"},
      {"closes in mid-head", ScriptedOrigin::answer("HTTP/1.1 200 OK\r\nConte"),
       "the upstream's answer was cut off"},
      {"talks nonsense", ScriptedOrigin::answer("hello\r\n\r\n"),
       "the upstream's answer is not valid HTTP"},
      {"counts and chunks at once",
       ScriptedOrigin::answer(
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       "the upstream's answer is not valid HTTP"},
      {"counts twice",
       ScriptedOrigin::answer(
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab"),
       "the upstream's answer is not valid HTTP"},
      {"switches protocols unasked",
       ScriptedOrigin::answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
       "the upstream switched protocols without being asked"},
      {"never stops with interim responses",
       [](int socket) {
         ScriptedOrigin::read_head(socket);
         for (int i = 0; i < 40; ++i)
           ScriptedOrigin::send(socket, "HTTP/1.1 103 Early Hints\r\n\r\n");
       },
       "the upstream sent too many interim responses"},
      {"an endless head",
       [](int socket) {
         ScriptedOrigin::read_head(socket);
         ScriptedOrigin::send(socket, "HTTP/1.1 200 OK\r\n");
         for (int i = 0; i < 2000; ++i)
           ScriptedOrigin::send(socket, "X-Filler: " + std::string(90, 'x') + "\r\n");
       },
       "the upstream's answer is not valid HTTP"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedOrigin origin({c.script});
    Rig rig(origin.port());
    CHECK(outcome(rig.get(false)) == c.expected);
  }
}

TEST_CASE("fetch: nobody listens") {
  std::uint16_t port = 0;
  {
    ScriptedOrigin gone({});
    port = gone.port();
  }
  Rig rig(port);
  CHECK(outcome(rig.get()) == "the upstream refused the connection");
}

TEST_CASE("fetch: an origin that hangs has a deadline") {
  ScriptedOrigin origin({[](int socket) {
    ScriptedOrigin::read_head(socket);
    char byte = 0;
    (void)!::recv(socket, &byte, 1, 0);  // until the other side gives up
  }});
  Rig rig(origin.port());
  CHECK(outcome(rig.get(true, 50ms)) == "the upstream did not answer in time");
}

// One answer on a connection that stays open, until the test's side closes it or `second` answers
// again.
ScriptedOrigin::Script keep_open(const std::string& first, const std::string& second) {
  return [=](int socket) {
    ScriptedOrigin::read_head(socket);
    ScriptedOrigin::send(socket, first);
    const std::string next = ScriptedOrigin::read_head(socket);
    if (!next.empty()) ScriptedOrigin::send(socket, second);
  };
}
const char* const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST_CASE("OriginPool: a used connection serves again") {
  ScriptedOrigin origin({keep_open(ok, "HTTP/1.1 204 No Content\r\n\r\n")});
  Rig rig(origin.port());
  FetchResult first = rig.get();
  REQUIRE(outcome(first) == "200");
  rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
  CHECK(outcome(rig.get()) == "204");
  CHECK(origin.accepted() == 1);
}

TEST_CASE("OriginPool: what cannot be repeated goes out on a fresh connection") {
  ScriptedOrigin origin(
      {keep_open(ok, ok),
       ScriptedOrigin::answer("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")});
  Rig rig(origin.port());
  FetchResult first = rig.get();
  rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
  // The scripted origin serves one connection after the other.
  rig.pool.close_idle();
  CHECK(outcome(rig.get(false)) == "201");
  CHECK(origin.accepted() == 2);
}

TEST_CASE("fetch: once more when a used connection died before any answer, and only then") {
  struct Case {
    const char* name;
    const char* second;  ///< what the used connection says before it closes
    bool repeatable;
    const char* expected;
    int accepted;
  };
  const Case cases[] = {
      {"died silently", "", true, "200", 2},
      {"died in mid-head", "HTTP/1.1 2", true, "the upstream's answer was cut off", 1},
      {"answered", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", true, "404", 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedOrigin origin({keep_open(ok, c.second), ScriptedOrigin::answer(ok)});
    Rig rig(origin.port());
    FetchResult first = rig.get();
    REQUIRE(outcome(first) == "200");
    rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
    CHECK(outcome(rig.get(c.repeatable)) == c.expected);
    CHECK(origin.accepted() == c.accepted);
  }
}

}  // namespace
}  // namespace larder::session
