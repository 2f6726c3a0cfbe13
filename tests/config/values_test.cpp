// Values: what durations, sizes and addresses may look like.
#include "config/values.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace larder::config;
using namespace std::chrono_literals;

namespace {

template <typename Value>
std::string why(const Parsed<Value>& parsed) {
  const auto* refused = std::get_if<Refused>(&parsed);
  return refused ? refused->why : "not refused";
}

}  // namespace

TEST_CASE("durations") {
  struct Case {
    std::string text;
    milliseconds expected;
  };
  const Case cases[] = {
      {"0", 0ms},     {"0s", 0ms},           {"250ms", 250ms},
      {"30s", 30s},   {"5m", 5min},          {"1h", 1h},
      {"1d", 24h},    {"1h30m", 90min},      {"1d2h3m4s5ms", 24h + 2h + 3min + 4s + 5ms},
      {"90m", 90min}, {"3653d", 3653 * 24h},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<milliseconds> parsed = parse_duration(c.text);
    REQUIRE(std::holds_alternative<milliseconds>(parsed));
    CHECK(std::get<milliseconds>(parsed) == c.expected);
  }
  for (const std::string text : {"",
                                 "s",
                                 "-1s",
                                 "+1s",
                                 "1.5h",
                                 "1 h",
                                 " 1h",
                                 "1h ",
                                 "1H",
                                 "1hour",
                                 "1w",
                                 "h1",
                                 "1h30",
                                 "30m1h",
                                 "1s1s",
                                 "1x",
                                 "99999999999999999999s",
                                 "3654d",
                                 "18446744073709551615d",
                                 "0x1s",
                                 "1e3s"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_duration(text)));
  }
  CHECK(why(parse_duration("30")) == "'30' has no unit; write 30s for seconds, or 5m, 1h, 1d");
}

TEST_CASE("durations are shown as one would write them") {
  for (const std::string text :
       {"0", "1ms", "1500ms", "10s", "75s", "2m", "90m", "1h", "1d", "36h"}) {
    CHECK(format_duration(std::get<milliseconds>(parse_duration(text))) == text);
  }
}

TEST_CASE("sizes count by 1024") {
  struct Case {
    std::string text;
    std::uint64_t expected;
  };
  const Case cases[] = {
      {"0", 0},           {"1024", 1024},         {"1b", 1},
      {"1k", 1024},       {"1K", 1024},           {"1kb", 1024},
      {"1KiB", 1024},     {"64MiB", 64ULL << 20}, {"8mb", 8ULL << 20},
      {"1g", 1ULL << 30}, {"2GiB", 2ULL << 30},   {"1024TiB", 1ULL << 50},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<std::uint64_t> parsed = parse_size(c.text);
    REQUIRE(std::holds_alternative<std::uint64_t>(parsed));
    CHECK(std::get<std::uint64_t>(parsed) == c.expected);
  }
  for (const std::string text :
       {"", "MiB", "-1", "1.5MiB", "1 MiB", "1x", "1bib", "1bb", "1ib", "1025TiB",
        "18446744073709551615t", "99999999999999999999", "1mm", "1kbm", "1km"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_size(text)));
  }
  for (const std::string text : {"0", "1000", "1KiB", "8MiB", "1025MiB", "2GiB"}) {
    CHECK(format_size(std::get<std::uint64_t>(parse_size(text))) == text);
  }
}

TEST_CASE("numbers and booleans") {
  CHECK(std::get<std::uint64_t>(parse_number("7", 0, 7)) == 7);
  for (const std::string text : {"", "8", "-1", "7x", "x7", "7 ", "0x7", "99999999999999999999"}) {
    CHECK(std::holds_alternative<Refused>(parse_number(text, 0, 7)));
  }
  for (const std::string text : {"true", "True", "yes", "on", "ON", "1"})
    CHECK(std::get<bool>(parse_boolean(text)));
  for (const std::string text : {"false", "no", "Off", "0"})
    CHECK_FALSE(std::get<bool>(parse_boolean(text)));
  for (const std::string text : {"", "y", "maybe", "2"}) {
    CHECK(std::holds_alternative<Refused>(parse_boolean(text)));
  }
}

TEST_CASE("addresses to listen on") {
  struct Case {
    std::string text;
    Endpoint expected;
  };
  const Case cases[] = {
      {"0.0.0.0:8080", {"0.0.0.0", 8080}},
      {":8080", {"0.0.0.0", 8080}},
      {"[::]:8080", {"::", 8080}},
      {"localhost:80", {"localhost", 80}},
      {"[::1]:0", {"::1", 0}},
      {"my_host-1.lan:65535", {"my_host-1.lan", 65535}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<Endpoint> parsed = parse_listen(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<Endpoint>(parsed), why(parsed));
    CHECK(std::get<Endpoint>(parsed) == c.expected);
  }
  for (const std::string text :
       {"", "8080", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:80x",
        "::1:80", "[::1]", "[::1", "[::1]80", "[1.2.3.4]:80", "10.0.0.256:80", "1.2.3:80", "a b:80",
        "http://a:80", "a/b:80", "[]:80"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_listen(text)));
  }
}

TEST_CASE("where clients connect") {
  struct Case {
    std::string text;
    ListenAddress expected;
  };
  const Case cases[] = {
      {"127.0.0.1:80", {.endpoint = {"127.0.0.1", 80}}},
      {"https://[::1]:443", {.endpoint = {"::1", 443}, .tls = true}},
      {"unix:/run/larder.sock", {.endpoint = {.host = {}, .path = "/run/larder.sock"}}},
      {"systemd", {.endpoint = {}, .systemd = true}},
      {"fd:3", {.endpoint = {}, .descriptor = 3}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<ListenAddress> parsed = parse_listen_address(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<ListenAddress>(parsed), why(parsed));
    CHECK(std::get<ListenAddress>(parsed) == c.expected);
    CHECK(format_listen_address(c.expected) == c.text);
  }
  for (const std::string text :
       {"", "fd:", "fd:2", "fd:-1", "fd:x", "fd:3 ", "systemd:", "Systemd", "unix:", "unix:run",
        "https://", "https://a", "https://a:443/", "https://unix:/a", "http://0.0.0.0:80"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_listen_address(text)));
  }
}

TEST_CASE("permissions") {
  CHECK(std::get<std::uint64_t>(parse_mode("0660")) == 0660);
  CHECK(std::get<std::uint64_t>(parse_mode("777")) == 0777);
  CHECK(std::get<std::uint64_t>(parse_mode("0")) == 0);
  for (const std::string text : {"", "0x1ff", "8", "1000", "rw", "-1", "66 0"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_mode(text)));
  }
}

TEST_CASE("Unix sockets") {
  const Parsed<Endpoint> parsed = parse_unix("unix:/run/larder/a.sock");
  REQUIRE_MESSAGE(std::holds_alternative<Endpoint>(parsed), why(parsed));
  const Endpoint& endpoint = std::get<Endpoint>(parsed);
  CHECK(endpoint.is_unix());
  CHECK(endpoint.path == "/run/larder/a.sock");
  CHECK(format_endpoint(endpoint) == "unix:/run/larder/a.sock");
  CHECK(std::holds_alternative<Endpoint>(parse_unix("unix:/" + std::string(106, 'x'))));
  for (const std::string& text :
       {std::string("unix:"), std::string("unix:/"), std::string("unix:relative"),
        std::string("/run/a.sock"), std::string("unix:/run/"), "unix:/" + std::string(107, 'x')}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_unix(text)));
  }
}

TEST_CASE("origins") {
  struct Case {
    std::string text;
    Upstream expected;
    std::string shown;
  };
  const Endpoint socket{.host = {}, .port = 0, .path = "/run/gunicorn.sock"};
  const Case cases[] = {
      {"http://backend:8000", {{"backend", 8000}}, "http://backend:8000"},
      {"http://backend:8000/", {{"backend", 8000}}, "http://backend:8000"},
      {"http://backend", {{"backend", 80}}, "http://backend:80"},
      {"backend:8000", {{"backend", 8000}}, "http://backend:8000"},
      {"http://[::1]:8000", {{"::1", 8000}}, "http://[::1]:8000"},
      {"http://[::1]", {{"::1", 80}}, "http://[::1]:80"},
      {"127.0.0.1:8000", {{"127.0.0.1", 8000}}, "http://127.0.0.1:8000"},
      {"https://backend", {{"backend", 443}, true}, "https://backend:443"},
      {"https://backend:8443/", {{"backend", 8443}, true}, "https://backend:8443"},
      {"unix:/run/gunicorn.sock", {socket}, "unix:/run/gunicorn.sock"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<Upstream> parsed = parse_upstream(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<Upstream>(parsed), why(parsed));
    CHECK(std::get<Upstream>(parsed) == c.expected);
    CHECK(format_upstream(c.expected) == c.shown);
  }
  for (const std::string text :
       {"", "backend", "backend:8000/", "http://", "http://backend:0", "http://backend:x",
        "http://backend:8000/api", "http://u:p@backend", "ftp://backend:21", "https://",
        "https://backend/api", "unix:gunicorn.sock", "unix:", "https:/backend:1",
        "http://backend:8000?x"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_upstream(text)));
  }
  CHECK(format_endpoint({"::1", 80}) == "[::1]:80");
  CHECK(format_endpoint({"backend", 8000}) == "backend:8000");
}

TEST_CASE("what Kubernetes puts into REDIS_PORT is a port") {
  CHECK(std::get<std::uint16_t>(parse_redis_port("6380")) == 6380);
  CHECK(std::get<std::uint16_t>(parse_redis_port("tcp://10.0.0.1:6380")) == 6380);
  for (const std::string text : {"", "0", "65536", "x", "tcp://10.0.0.1", "udp://10.0.0.1:6380"}) {
    CHECK(std::holds_alternative<Refused>(parse_redis_port(text)));
  }
}

TEST_CASE("address blocks") {
  struct Case {
    std::string text;
    std::string expected;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"10.1.2.3", "10.1.2.3/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"172.16.0.0/12", "172.16.0.0/12"},
      {"::1", "::1/128"},
      {"FC00::/7", "fc00::/7"},
      {"::/0", "::/0"},
      {"2001:db8:0:0::/33", "2001:db8::/33"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Parsed<std::string> parsed = parse_block(c.text);
    REQUIRE_MESSAGE(std::holds_alternative<std::string>(parsed), why(parsed));
    CHECK(std::get<std::string>(parsed) == c.expected);
  }
  for (const std::string text :
       {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "host", "10.0.0.1/8",
        "fc01::/7", "10.0.0.0/8/8", "256.0.0.0/8"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_block(text)));
  }
  CHECK(why(parse_block("10.1.2.3/8")).find("did you mean 10.0.0.0/8?") != std::string::npos);
}

TEST_CASE("media types") {
  CHECK(std::get<std::string>(parse_media_type("Application/JSON")) == "application/json");
  CHECK(std::get<std::string>(parse_media_type("application/vnd.api+json")) ==
        "application/vnd.api+json");
  for (const std::string text : {"", "json", "/json", "text/", "text/*", "*/*", "text/html;q=1",
                                 "text/html, a/b", "a/b/c"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Refused>(parse_media_type(text)));
  }
}

TEST_CASE("quote shows what was written, not its secrets and not all of it") {
  CHECK(quote("abc") == "'abc'");
  CHECK(quote("a\nb\x7f") == "'a?b?'");
  CHECK(quote("http://user:hunter2@host/x") == "'http://…@host/x'");
  CHECK(quote(std::string(100, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(quote(std::string(59, 'x') + "éé") == "'" + std::string(59, 'x') + "é…'");
}
