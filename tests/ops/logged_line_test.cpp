#include "ops/logged_line.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

using namespace std::chrono_literals;

constexpr policy::Moment noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) + 12h;

TEST_CASE("parse_logged_line: what nginx and gunicorn write") {
  struct Case {
    const char* name;
    const char* line;
    std::string_view method, path, query;
    std::uint16_t status;
    std::chrono::seconds after_noon;
  };
  const Case cases[] = {
      {"nginx, combined",
       R"(203.0.113.7 - - [28/Nov/2026:12:00:01 +0000] "GET /api/a/?page=2 HTTP/1.1" 200 512 "-" "curl/8.5")",
       "GET", "/api/a/", "page=2", 200, 1s},
      {"gunicorn's own",
       R"(127.0.0.1 - - [28/Nov/2026:13:00:00 +0100] "PATCH /api/a/7/ HTTP/1.1" 204 0 "-" "python-requests/2.31")",
       "PATCH", "/api/a/7/", "", 204, 0s},
      {"a user by name, west of Greenwich",
       R"(::1 - ann [28/Nov/2026:06:30:00 -0530] "GET / HTTP/1.0" 304 0 "-" "-")", "GET", "/", "",
       304, 0s},
      {"an empty query is none",
       R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a? HTTP/1.1" 200 0 "-" "-")", "GET", "/a", "",
       200, 0s},
      {"fields behind it",
       R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a HTTP/2.0" 200 0 "-" "-" "1.2.3.4" rt=0.01)",
       "GET", "/a", "", 200, 0s},
      {"a quote within",
       R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a\"b HTTP/1.1" 400 0 "-" "x\"y")", "GET",
       R"(/a\"b)", "", 400, 0s},
      {"the common format has no more than is read",
       R"(a - - [28/Nov/2026:12:00:00 +0000] "HEAD /a HTTP/1.1" 200 0)", "HEAD", "/a", "", 200, 0s},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto read = parse_logged_line(c.line);
    REQUIRE(read);
    CHECK(read->method_text == c.method);
    CHECK(read->path == c.path);
    CHECK(read->query == c.query);
    CHECK(read->status == c.status);
    CHECK(read->moment == noon + c.after_noon);
  }
}

TEST_CASE("parse_logged_line: what is no such line") {
  const char* const lines[] = {
      "",
      "Booting worker with pid: 7",
      R"({"time": "2026-11-28T12:00:00Z", "path": "/a"})",
      R"(a - - [28/Nov/2026:12:00:00] "GET /a HTTP/1.1" 200 0 "-" "-")",
      R"(a - - [31/Feb/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 0 "-" "-")",
      R"(a - - [28/Nov/2026:24:00:00 +0000] "GET /a HTTP/1.1" 200 0 "-" "-")",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1)",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "\x16\x03\x01" 400 0 "-" "-")",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a" 200 0 "-" "-")",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a b HTTP/1.1" 200 0 "-" "-")",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" OK 0 "-" "-")",
      R"(a - - [28/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" 99 0 "-" "-")",
  };
  for (const char* const line : lines) {
    CAPTURE(line);
    CHECK_FALSE(parse_logged_line(line));
  }
}

}  // namespace
}  // namespace larder::ops
