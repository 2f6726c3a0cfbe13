#include "session/listening.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <doctest/doctest.h>

namespace larder::session {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/larder-listening-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

config::Settings listen_on(config::ListenAddress address) {
  config::Settings settings;
  settings.listen = {std::move(address)};
  return settings;
}

config::Settings listen_on_unix(const std::string& path) {
  return listen_on({.endpoint = {.host = {}, .path = path}});
}

bool connects(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const ListeningSocket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

std::uint16_t port_of(const ListeningSocket& socket) {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  REQUIRE(::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  return ntohs(bound.sin_port);
}

TEST_CASE("Listening: every thread has a TCP socket of its own on the same port") {
  Listening listening;
  REQUIRE(listening.open(listen_on({.endpoint = {"127.0.0.1", 0}, .tls = true}), 3, {}).empty());
  std::set<int> descriptors;
  std::set<std::uint16_t> ports;
  std::vector<std::vector<ListeningSocket>> kept;
  for (unsigned thread = 0; thread < 3; ++thread) {
    kept.push_back(listening.take(thread));
    REQUIRE(kept.back().size() == 1);
    const ListeningSocket& socket = kept.back().front();
    descriptors.insert(socket.descriptor());
    ports.insert(port_of(socket));
    CHECK(socket.family == AF_INET);
    CHECK(socket.tls);
    CHECK_FALSE(socket.shared);
  }
  CHECK(descriptors.size() == 3);
  REQUIRE(ports.size() == 1);
  CHECK(listening.shown() ==
        std::vector<std::string>{"https://127.0.0.1:" + std::to_string(*ports.begin())});

  Listening second;  // as a process that takes over does
  CHECK(second.open(listen_on({.endpoint = {"127.0.0.1", *ports.begin()}}), 2, {}).empty());
}

TEST_CASE("Listening: what cannot be listened on is said with its address") {
  Listening listening;
  CHECK(listening.open(listen_on({.endpoint = {"192.0.2.1", 80}}), 1, {}) ==
        "cannot listen on 192.0.2.1:80: Cannot assign requested address");
  CHECK(listening.open(listen_on({.endpoint = {}, .descriptor = 999}), 1, {}) ==
        "cannot listen on fd:999: no stream socket that listens was inherited there");
  CHECK(listening.open(listen_on({.endpoint = {}, .systemd = true}), 1, {}) ==
        "listen: systemd has passed on no sockets (LISTEN_FDS)");
}

TEST_CASE("Listening: a Unix socket, with its permissions, as long as it is listened on") {
  const Folder folder;
  const std::string path = folder.file("a.sock");
  config::Settings settings = listen_on_unix(path);
  settings.listen_mode = 0600;
  {
    Listening listening;
    REQUIRE(listening.open(settings, 2, {}).empty());
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    CHECK(connects(path));
    const std::vector<ListeningSocket> sockets = listening.take(1);
    REQUIRE(sockets.size() == 1);
    CHECK(sockets.front().shared);
    CHECK(sockets.front().family == AF_UNIX);

    Listening second;
    CHECK(second.open(settings, 1, {}) ==
          "cannot listen on unix:" + path + ": somebody listens there already");
    CHECK(connects(path));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("Listening: what a dead process left is replaced, anything else is not") {
  const Folder folder;
  const std::string path = folder.file("a.sock");
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const ListeningSocket dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(dead.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Listening listening;
  CHECK(listening.open(listen_on_unix(path), 1, {}).empty());
  CHECK(connects(path));

  const std::string other = folder.file("file");
  std::ofstream(other) << "precious";
  Listening refused;
  CHECK(refused.open(listen_on_unix(other), 1, {}) ==
        "cannot listen on unix:" + other + ": there is a file that is no socket");
  CHECK(fs::exists(other));
}

TEST_CASE("Listening: a socket that has taken the place of ours is not removed") {
  const Folder folder;
  const std::string path = folder.file("a.sock");
  Listening first;
  REQUIRE(first.open(listen_on_unix(path), 1, {}).empty());
  fs::rename(path, folder.file("moved"));
  Listening second;
  REQUIRE(second.open(listen_on_unix(path), 1, {}).empty());
  first.remove_files();
  CHECK(connects(path));
}

TEST_CASE("Listening: an inherited socket is given to every thread") {
  Listening before;
  REQUIRE(before.open(listen_on({.endpoint = {"127.0.0.1", 0}}), 1, {}).empty());
  std::vector<ListeningSocket> opened = before.take(0);
  const std::uint16_t port = port_of(opened.front());
  const int descriptor = opened.front().release();

  Listening listening;
  REQUIRE(listening.open(listen_on({.endpoint = {}, .descriptor = descriptor}), 2, {}).empty());
  for (unsigned thread = 0; thread < 2; ++thread) {
    const std::vector<ListeningSocket> sockets = listening.take(thread);
    REQUIRE(sockets.size() == 1);
    CHECK(port_of(sockets.front()) == port);
    CHECK(sockets.front().shared);
    CHECK(sockets.front().family == AF_INET);
  }
}

TEST_CASE("inherited_from_environment: what systemd says, if it says it to us") {
  struct Case {
    const char* name;
    std::string process;
    const char* sockets;
    const char* names;
    int count;
    std::vector<std::string> expected;
  };
  const std::string us = std::to_string(::getpid());
  const Case cases[] = {
      {"two, with names", us, "2", "http:https", 2, {"http", "https"}},
      {"two, one name", us, "2", "http", 2, {"http"}},
      {"without names", us, "1", "", 1, {}},
      {"for another process", "1", "2", "http:https", 0, {}},
      {"nonsense", us, "-3", "", 0, {}},
      {"more nonsense", us, "2x", "", 0, {}},
      {"nothing", "", "", "", 0, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ::setenv("LISTEN_PID", c.process.c_str(), 1);
    ::setenv("LISTEN_FDS", c.sockets, 1);
    ::setenv("LISTEN_FDNAMES", c.names, 1);
    const InheritedSockets inherited = inherited_from_environment();
    CHECK(inherited.count == c.count);
    CHECK(inherited.names == c.expected);
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  CHECK(inherited_from_environment().count == 0);
}

}  // namespace
}  // namespace larder::session
