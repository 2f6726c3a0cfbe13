#include "policy/validation.hpp"

#include <doctest/doctest.h>

#include "policy/forwarding.hpp"
#include "support/heads.hpp"

namespace larder::policy {
namespace {

using namespace std::chrono_literals;

StoredResponse stored_with(std::string etag, std::string last_modified) {
  StoredResponse stored;
  stored.head = "Content-Type: application/json\r\nETag: " + etag +
                "\r\nX-Kept: 1\r\nCache-Control: max-age=1\r\n"
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 larder\r\n";
  stored.content = SharedBytes::copy_of("[1, 2]");
  stored.etag = std::move(etag);
  stored.last_modified = std::move(last_modified);
  return stored;
}

TEST_CASE("append_conditions: by the origin's own validators (RFC 9111 4.3.1)") {
  struct Case {
    const char* name;
    const char* etag;
    const char* last_modified;
    bool own;
    const char* expected;
  };
  const Case cases[] = {
      {"both are sent", "\"a\"", "Sun, 06 Nov 1994 08:49:37 GMT", false,
       "If-None-Match: \"a\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
      {"a weak tag will do", "W/\"a\"", "", false, "If-None-Match: W/\"a\"\r\n"},
      {"a tag of our own means nothing to the origin", "\"a\"", "", true, ""},
      {"nothing to ask by", "", "", false, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    StoredResponse stored = stored_with(c.etag, c.last_modified);
    stored.has_own_etag = c.own;
    std::string conditions;
    append_conditions(stored, conditions);
    CHECK(conditions == c.expected);
    CHECK(is_validatable(stored) == !conditions.empty());
  }
}

TEST_CASE("freshen: whose 304 it is (RFC 9111 4.3.4)") {
  struct Case {
    const char* name;
    const char* etag;
    const char* last_modified;
    std::vector<std::string> told;
    bool ours;
  };
  const char* then = "Sun, 06 Nov 1994 08:49:37 GMT";
  const Case cases[] = {
      {"the same tag", "\"a\"", "", {"HTTP/1.1 304 N", "ETag: \"a\""}, true},
      {"the same tag, weak", "\"a\"", "", {"HTTP/1.1 304 N", "ETag: W/\"a\""}, true},
      {"the same tag, strong where it was weak",
       "W/\"a\"",
       "",
       {"HTTP/1.1 304 N", "ETag: \"a\""},
       false},
      {"both weak", "W/\"a\"", "", {"HTTP/1.1 304 N", "ETag: W/\"a\""}, true},
      {"another tag", "\"a\"", "", {"HTTP/1.1 304 N", "ETag: \"b\""}, false},
      {"a tag where none was stored", "", then, {"HTTP/1.1 304 N", "ETag: \"b\""}, false},
      {"no validator at all", "\"a\"", "", {"HTTP/1.1 304 N"}, true},
      {"the same date",
       "",
       then,
       {"HTTP/1.1 304 N", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"},
       true},
      {"another date",
       "",
       then,
       {"HTTP/1.1 304 N", "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT"},
       false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const test::Response told(c.told);
    CHECK(freshen(stored_with(c.etag, c.last_modified), told.head).has_value() == c.ours);
  }
}

TEST_CASE("freshen: its fields replace the stored ones, but for what describes the content") {
  const test::Response told(
      {"HTTP/1.1 304 Not Modified", "ETag: \"a\"", "Cache-Control: max-age=60",
       "Cache-Control: public", "Content-Type: text/html", "Content-Length: 99", "X-New: 2",
       "Connection: X-Hop", "X-Hop: 1", "Date: Sun, 06 Nov 1994 09:49:37 GMT"});
  const std::optional<FreshenedHead> freshened = freshen(stored_with("\"a\"", ""), told.head);
  REQUIRE(freshened);
  CHECK(freshened->text ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Kept: 1\r\nETag: \"a\"\r\n"
        "Cache-Control: max-age=60\r\nCache-Control: public\r\nX-New: 2\r\n"
        "Date: Sun, 06 Nov 1994 09:49:37 GMT\r\nContent-Length: 6\r\n\r\n");
  CHECK(freshened->head.status == 200);
  CHECK(freshened->head.framing == http::BodyFraming{http::BodyFraming::Kind::length, 6});
}

TEST_CASE("freshen: without a Date the stored one goes, since it would make the response older") {
  const test::Response told({"HTTP/1.1 304 Not Modified"});
  const std::optional<FreshenedHead> freshened = freshen(stored_with("\"a\"", ""), told.head);
  REQUIRE(freshened);
  CHECK_FALSE(freshened->head.fields.has(http::FieldName::date));
}

TEST_CASE("add_own_etag: for a 200 that has none") {
  StoredResponse stored;
  add_own_etag(stored, 0x0123456789abcdef);
  CHECK(stored.etag == "\"0123456789abcdef\"");
  CHECK(stored.head == "ETag: \"0123456789abcdef\"\r\n");
  CHECK(stored.has_own_etag);
  CHECK_FALSE(is_validatable(stored));

  StoredResponse with_tag = stored_with("\"a\"", "");
  add_own_etag(with_tag, 1);
  CHECK(with_tag.etag == "\"a\"");
  StoredResponse not_found;
  not_found.status = 404;
  add_own_etag(not_found, 1);
  CHECK(not_found.etag.empty());
}

}  // namespace
}  // namespace larder::policy
