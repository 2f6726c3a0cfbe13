#include "session/origin_pool.hpp"

#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include "session/health_check.hpp"
#include "support/scripted_origin.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;
using namespace session::test;

constexpr const char* second_ok = "HTTP/1.1 203 Other\r\nContent-Length: 0\r\n\r\n";

config::Settings named_backend(std::uint16_t port) {
  config::Settings settings = settings_for({port});
  settings.upstreams.front().endpoint.host = "backend";
  return settings;
}

Address loopback(std::uint16_t port, const char* host = "127.0.0.1") {
  return asio::ip::tcp::endpoint(asio::ip::make_address(host), port);
}

/// A name that leads where `now` says when it is asked for.
Resolve names(Resolved& now, int& asked) {
  return [&now, &asked](const config::Endpoint&, milliseconds) -> awaitable<Resolved> {
    ++asked;
    co_return now;
  };
}

TEST_CASE("OriginPool: what could not be sent to one backend goes to the next at once") {
  for (const bool repeatable : {true, false}) {
    CAPTURE(repeatable);
    ScriptedOrigin origin({ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok)});
    Rig rig(settings_for({closed_port(), closed_port(), origin.port()}));
    CHECK(outcome(rig.get(repeatable)) == "200");
    CHECK(outcome(rig.get(repeatable)) == "200");
  }
}

TEST_CASE("OriginPool: nobody listens anywhere") {
  Rig rig(settings_for({closed_port(), closed_port()}));
  CHECK(outcome(rig.get()) == "the upstream refused the connection");
}

TEST_CASE("OriginPool: what was sent to one backend goes to no other") {
  ScriptedOrigin rude({ScriptedOrigin::answer(""), ScriptedOrigin::answer("")});
  ScriptedOrigin other({});
  Rig rig(settings_for({rude.port(), other.port()}));
  CHECK(outcome(rig.get()) == "the upstream closed the connection before it answered");
  CHECK(other.accepted() == 0);
}

TEST_CASE("OriginPool: requests in flight decide, and count until their answer is gone") {
  ScriptedOrigin a({ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok)});
  ScriptedOrigin b({ScriptedOrigin::answer(second_ok)});
  Rig rig(settings_for({a.port(), b.port()}));
  FetchResult first = rig.get();
  FetchResult second = rig.get();
  CHECK(outcome(first) == "200");
  CHECK(outcome(second) == "203");
  CHECK(rig.backends.status()[0].in_flight == 1);
  CHECK(rig.backends.status()[1].in_flight == 1);
  first = FetchFailure::none;
  CHECK(rig.backends.status()[0].in_flight == 0);
  CHECK(outcome(rig.get()) == "200");  // its turn is b's, who is still busy
}

TEST_CASE("OriginPool: a backend that fails again and again is left out") {
  ScriptedOrigin origin({ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok),
                         ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok),
                         ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok)});
  Rig rig(settings_for({closed_port(), origin.port()}));
  for (int i = 0; i < 6; ++i) CHECK(outcome(rig.get()) == "200");
  CHECK(rig.backends.status()[0].ejected == 1);
  CHECK(rig.backends.status()[1].state == policy::BackendState::in);
}

TEST_CASE("OriginPool: a name's new address is asked for when the old one fails") {
  ScriptedOrigin moved({ScriptedOrigin::answer(ok)});
  Resolved now = Addresses{loopback(closed_port())};
  int asked = 0;
  const Resolve counted = names(now, asked);
  const Resolve resolve = [&](const config::Endpoint& endpoint,
                              milliseconds timeout) -> awaitable<Resolved> {
    Resolved told = co_await counted(endpoint, timeout);
    now = Addresses{loopback(moved.port())};
    co_return told;
  };
  Rig rig(named_backend(1), resolve);
  CHECK(outcome(rig.get()) == "200");
  CHECK(asked == 2);
}

TEST_CASE(
    "OriginPool: an address is believed for a while, and a failing lookup takes nothing away") {
  std::optional<ScriptedOrigin> origin;
  origin.emplace(
      std::vector<ScriptedOrigin::Script>{ScriptedOrigin::answer(ok), ScriptedOrigin::answer(ok)});
  Resolved now = Addresses{loopback(origin->port())};
  int asked = 0;
  Rig rig(named_backend(1), names(now, asked));
  CHECK(outcome(rig.get()) == "200");
  now = FetchFailure::name_not_resolved;
  CHECK(outcome(rig.get()) == "200");
  CHECK(asked == 1);
  origin.reset();
  CHECK(outcome(rig.get()) == "the upstream refused the connection");
  CHECK(asked == 2);
}

TEST_CASE("OriginPool: a name that leads nowhere") {
  Resolved now = FetchFailure::name_not_resolved;
  int asked = 0;
  Rig rig(named_backend(1), names(now, asked));
  CHECK(outcome(rig.get()) == "the upstream's name could not be resolved");
}

TEST_CASE("OriginPool: connections to an address that the name has no more are not used again") {
  for (const bool is_idle : {true, false}) {
    CAPTURE(is_idle);
    std::string sent_again;  // on the old connection; it closes when the other side does
    {
      ScriptedOrigin old({[&sent_again](int socket) {
        ScriptedOrigin::read_head(socket);
        ScriptedOrigin::send(socket, ok);
        sent_again = ScriptedOrigin::read_head(socket);
      }});
      ScriptedOrigin moved({ScriptedOrigin::answer(second_ok), ScriptedOrigin::answer(second_ok)});
      config::Settings settings = named_backend(1);
      settings.resolve_interval = 0ms;
      Resolved now = Addresses{loopback(old.port())};
      int asked = 0;
      Rig rig(settings, names(now, asked));
      FetchResult first = rig.get();
      REQUIRE(outcome(first) == "200");
      OriginConnectionPointer used = std::move(std::get<OriginAnswer>(first).connection);
      if (is_idle) rig.pool.release(std::move(used));
      now = Addresses{loopback(moved.port())};
      CHECK(outcome(rig.get()) == "203");
      // Also when it comes back after the name was asked for, and before it is again.
      rig.settings.resolve_interval = 1h;
      if (used) rig.pool.release(std::move(used));
      CHECK(outcome(rig.get()) == "203");
    }
    CHECK(sent_again == "");
  }
}

TEST_CASE("check_health: what counts as well") {
  struct Case {
    const char* name;
    std::string answer;
    bool is_well;
  };
  const Case cases[] = {
      {"200", ok, true},
      {"a redirect", "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", true},
      {"200 after an interim response", std::string("HTTP/1.1 103 Early Hints\r\n\r\n") + ok, true},
      {"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false},
      {"503", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false},
      {"nothing", "", false},
      {"nonsense", "hello\r\n\r\n", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string head;
    config::Settings settings;
    {
      ScriptedOrigin origin({[&](int socket) {
        head = ScriptedOrigin::read_head(socket);
        ScriptedOrigin::send(socket, c.answer);
      }});
      settings = settings_for({origin.port()});
      settings.health_check.path = "/healthz";
      settings.health_check.host = "resumate.example";
      settings.health_check.failures = 1;
      Rig rig(settings);
      const auto check = [&]() -> awaitable<bool> {
        co_await check_health(rig.pool, 0);
        co_return true;
      };
      CHECK(larder::test::run(rig.io, check()));
      CHECK((rig.backends.status()[0].state == policy::BackendState::in) == c.is_well);
    }
    CHECK(head.starts_with("GET /healthz HTTP/1.1\r\nHost: resumate.example\r\n"));
  }
}

TEST_CASE("check_health: a backend that cannot be connected to, or hangs, is not well") {
  config::Settings settings = settings_for({closed_port()});
  settings.health_check.path = "/";
  settings.health_check.timeout = 50ms;
  settings.health_check.failures = 1;
  const auto check = [](OriginPool& pool) -> awaitable<bool> {
    co_await check_health(pool, 0);
    co_return true;
  };
  Rig refused(settings);
  CHECK(larder::test::run(refused.io, check(refused.pool)));
  CHECK(refused.backends.status()[0].state == policy::BackendState::unhealthy);

  ScriptedOrigin hanging({[](int socket) {
    ScriptedOrigin::read_head(socket);
    (void)ScriptedOrigin::read_head(socket);
  }});
  settings.upstreams.front().endpoint.port = hanging.port();
  Rig hung(settings);
  CHECK(larder::test::run(hung.io, check(hung.pool)));
  CHECK(hung.backends.status()[0].state == policy::BackendState::unhealthy);
}

TEST_CASE("make_check_request: the host it names") {
  config::HealthCheck check;
  check.path = "/healthz";
  const auto host = [&check](const config::Upstream& upstream) {
    const std::string request = make_check_request(check, upstream);
    const std::size_t at = request.find("Host: ") + 6;
    return request.substr(at, request.find('\r', at) - at);
  };
  CHECK(host({{"backend", 8000}}) == "backend:8000");
  CHECK(host({{.host = {}, .port = 0, .path = "/run/a.sock"}}) == "localhost");
  check.host = "example";
  CHECK(host({{"backend", 8000}}) == "example");
}

}  // namespace
}  // namespace larder::session
