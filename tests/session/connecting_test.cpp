#include "session/connecting.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include "support/scripted_origin.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;
using namespace session::test;

Address address(const char* host, std::uint16_t port = 80) {
  return asio::ip::tcp::endpoint(asio::ip::make_address(host), port);
}

TEST_CASE("interleave: families by turns, beginning with the first") {
  struct Case {
    const char* name;
    Addresses given;
    Addresses expected;
  };
  const Case cases[] = {
      {"none", {}, {}},
      {"one family",
       {address("10.0.0.1"), address("10.0.0.2")},
       {address("10.0.0.1"), address("10.0.0.2")}},
      {"IPv6 first",
       {address("fd00::1"), address("fd00::2"), address("10.0.0.1")},
       {address("fd00::1"), address("10.0.0.1"), address("fd00::2")}},
      {"IPv4 first",
       {address("10.0.0.1"), address("10.0.0.2"), address("fd00::1"), address("fd00::2")},
       {address("10.0.0.1"), address("fd00::1"), address("10.0.0.2"), address("fd00::2")}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(interleave(c.given) == c.expected);
  }
}

TEST_CASE("literal_addresses: what needs no resolving") {
  CHECK(literal_addresses({"127.0.0.1", 80}) == Addresses{address("127.0.0.1")});
  CHECK(literal_addresses({"::1", 80}) == Addresses{address("::1")});
  CHECK(literal_addresses({"backend", 80}).empty());
  const Addresses socket = literal_addresses({.host = {}, .port = 0, .path = "/run/a.sock"});
  REQUIRE(socket.size() == 1);
  CHECK(socket.front().protocol().family() == AF_UNIX);
}

struct Race {
  asio::io_context io{1};
  std::string why;
  ConnectResult run(Addresses addresses, milliseconds timeout) {
    return larder::test::run(io, connect_first(io, std::move(addresses), timeout, why));
  }
};

/// Nobody ever accepts here: the one place of its queue is taken.
class Silent {
 public:
  Silent() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::listen(listener_, 0) == 0);
    socklen_t size = sizeof any;
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port_ = ntohs(any.sin_port);
    // With a backlog of 0 Linux completes one connection; a further SYN is dropped.
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)!::connect(filler, reinterpret_cast<sockaddr*>(&any), sizeof any);
    }
    pollfd connected{fillers_[0], POLLOUT, 0};
    REQUIRE(::poll(&connected, 1, 5000) == 1);
  }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  ~Silent() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  [[nodiscard]] Address address() const { return session::address("127.0.0.1", port_); }

 private:
  int listener_ = -1;
  int fillers_[2] = {-1, -1};
  std::uint16_t port_ = 0;
};

TEST_CASE("connect_first: the next address at once when one fails") {
  ScriptedOrigin origin({[](int) {}});
  const Address good = address("127.0.0.1", origin.port());
  Race race;
  const SteadyClock::time_point began = SteadyClock::now();
  // With a delay for each the good one would be started after two seconds.
  Addresses addresses(8, address("127.0.0.1", closed_port()));
  addresses.push_back(good);
  const auto result = race.run(addresses, 5s);
  REQUIRE(std::holds_alternative<Connected>(result));
  CHECK(std::get<Connected>(result).address == good);
  CHECK(SteadyClock::now() - began < 4 * connection_attempt_delay);
}

TEST_CASE("connect_first: an address that is silent is not waited for alone") {
  const Silent silent;
  ScriptedOrigin origin({[](int) {}});
  const Address good = address("127.0.0.1", origin.port());
  Race race;
  const SteadyClock::time_point began = SteadyClock::now();
  const auto result = race.run({silent.address(), good}, 5s);
  REQUIRE(std::holds_alternative<Connected>(result));
  CHECK(std::get<Connected>(result).address == good);
  CHECK(SteadyClock::now() - began >= connection_attempt_delay);
}

TEST_CASE("connect_first: what it is called when none answers") {
  const Silent silent;
  const Address refusing = address("127.0.0.1", closed_port());
  struct Case {
    const char* name;
    Addresses addresses;
    FetchFailure expected;
    const char* why;
  };
  const Case cases[] = {
      {"all refuse", {refusing, refusing}, FetchFailure::refused, "Connection refused"},
      {"one is silent",
       {silent.address(), refusing},
       FetchFailure::connect_timed_out,
       "did not accept a connection in time"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Race race;
    const auto result = race.run(c.addresses, 400ms);
    REQUIRE(std::holds_alternative<FetchFailure>(result));
    CHECK(std::get<FetchFailure>(result) == c.expected);
    CHECK(race.why == c.why);
  }
}

}  // namespace
}  // namespace larder::session
