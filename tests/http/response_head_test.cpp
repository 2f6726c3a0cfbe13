// Response heads: read as strictly as requests, and framed for the request they answer.
#include <string>

#include <doctest/doctest.h>

#include "in_parts.hpp"

namespace larder::http {
namespace {

using namespace std::string_literals;
using Kind = BodyFraming::Kind;

TEST_CASE("response heads refused") {
  struct Case {
    std::string_view name;
    std::string_view section;
    std::string bytes;
    HeadError error;
  };
  const auto with_lines = [](std::string_view lines) {
    return "HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n";
  };
  const Case cases[] = {
      {"an empty line in front", "9112 4", "\r\nHTTP/1.1 200 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a version in lower case", "9112 2.3", "http/1.1 200 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"another protocol", "9112 4", "ICY 200 OK\r\n\r\n", HeadError::malformed_status_line},
      {"a request line", "9112 4", "GET / HTTP/1.1\r\n\r\n", HeadError::malformed_status_line},
      {"HTML", "9112 4", "<html>\r\n\r\n", HeadError::malformed_status_line},
      {"HTTP/1.2", "9112 2.3", "HTTP/1.2 200 OK\r\n\r\n", HeadError::unsupported_version},
      {"HTTP/2.0", "9112 2.3", "HTTP/2.0 200 OK\r\n\r\n", HeadError::unsupported_version},
      {"HTTP/0.9", "9112 2.3", "HTTP/0.9 200 OK\r\n\r\n", HeadError::unsupported_version},
      {"a version without minor", "9112 2.3", "HTTP/2 200\r\n\r\n",
       HeadError::malformed_status_line},
      {"two spaces before the status", "9112 4", "HTTP/1.1  200 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a tab before the status", "9112 4", "HTTP/1.1\t200 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a tab behind the status", "9112 4", "HTTP/1.1 200\tOK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a status of two digits", "9110 15", "HTTP/1.1 20 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a status of four digits", "9110 15", "HTTP/1.1 2000 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a status with a sign", "9110 15", "HTTP/1.1 -20 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a status with a letter", "9110 15", "HTTP/1.1 2x0 OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"a status and text without space", "9112 4", "HTTP/1.1 200OK\r\n\r\n",
       HeadError::malformed_status_line},
      {"no status", "9112 4", "HTTP/1.1\r\n\r\n", HeadError::malformed_status_line},
      {"000", "9110 15", "HTTP/1.1 000 X\r\n\r\n", HeadError::status_out_of_range},
      {"099", "9110 15", "HTTP/1.1 099 X\r\n\r\n", HeadError::status_out_of_range},
      {"600", "9110 15", "HTTP/1.1 600 X\r\n\r\n", HeadError::status_out_of_range},
      {"999", "9110 15", "HTTP/1.1 999 X\r\n\r\n", HeadError::status_out_of_range},
      {"CR in the reason", "9112 4", "HTTP/1.1 200 O\rK\r\n\r\n", HeadError::bare_carriage_return},
      {"NUL in the reason", "9112 4", "HTTP/1.1 200 O\0K\r\n\r\n"s, HeadError::forbidden_byte},
      {"a control character in the reason", "9112 4", "HTTP/1.1 200 O\x02K\r\n\r\n",
       HeadError::malformed_status_line},
      {"the status line ends in LF", "9112 2.2", "HTTP/1.1 200 OK\nX: y\r\n\r\n",
       HeadError::bare_line_feed},
      {"a field line ends in LF", "9112 2.2", with_lines("X: y\nSet-Cookie: a=b\r\n"),
       HeadError::bare_line_feed},
      {"a field split by CR", "9112 2.2", with_lines("X: y\rSet-Cookie: a=b\r\n"),
       HeadError::bare_carriage_return},
      {"a folded line", "9112 5.2", with_lines("X: y\r\n z\r\n"), HeadError::obsolete_line_folding},
      {"a space before the colon", "9112 5.1", with_lines("Content-Length : 5\r\n"),
       HeadError::whitespace_before_colon},
      {"a line without colon", "9112 5", with_lines("X\r\n"), HeadError::malformed_field_name},
      {"NUL in a value", "9110 5.5", with_lines("X: \0\r\n"s), HeadError::forbidden_byte},
      {"CL and TE", "9112 6.3", with_lines("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::length_with_transfer_encoding},
      {"TE and CL", "9112 6.3", with_lines("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
       HeadError::length_with_transfer_encoding},
      {"two lengths that are the same", "9112 6.3",
       with_lines("Content-Length: 5\r\nContent-Length: 5\r\n"),
       HeadError::conflicting_content_length},
      {"two lengths that differ", "9112 6.3",
       with_lines("Content-Length: 5\r\nContent-Length: 6\r\n"),
       HeadError::conflicting_content_length},
      {"a list of lengths", "9112 6.3", with_lines("Content-Length: 5, 5\r\n"),
       HeadError::malformed_content_length},
      {"a negative length", "9112 6.3", with_lines("Content-Length: -1\r\n"),
       HeadError::malformed_content_length},
      {"a length of 2^63", "9112 6.3", with_lines("Content-Length: 9223372036854775808\r\n"),
       HeadError::content_length_too_large},
      {"gzip, chunked", "9112 6.1", with_lines("Transfer-Encoding: gzip, chunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"identity", "9112 6.1", with_lines("Transfer-Encoding: identity\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked in quotes", "9112 6.1", with_lines("Transfer-Encoding: \"chunked\"\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked twice", "9112 6.1",
       with_lines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::repeated_transfer_encoding},
      {"chunked in HTTP/1.0", "9112 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       HeadError::transfer_encoding_in_http_1_0},
      {"a doubt about framing without content", "9112 6.3",
       "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
       HeadError::conflicting_content_length},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const Verdict verdict = read_response(c.bytes);
    CHECK_MESSAGE(verdict.error == c.error, "got: ", describe(verdict.error));
    CHECK(!verdict.is_complete);
  }
}

TEST_CASE("response heads taken") {
  struct Case {
    std::string_view name;
    std::string_view section;
    std::string bytes;
    Method method = Method::get;
    int status = 200;
    std::string reason = "OK";
    BodyFraming framing = {Kind::until_close, 0};
    bool keep_alive = false;
  };
  const std::string length = "Content-Length: 5\r\n\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const Case cases[] = {
      {.name = "a length",
       .section = "9112 6.3 6",
       .bytes = "HTTP/1.1 200 OK\r\n" + length,
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "chunked",
       .section = "9112 6.3 4",
       .bytes = "HTTP/1.1 200 OK\r\n" + chunked,
       .framing = {Kind::chunked, 0},
       .keep_alive = true},
      {.name = "neither", .section = "9112 6.3 8", .bytes = "HTTP/1.1 200 OK\r\n\r\n"},
      {.name = "neither, though kept",
       .section = "9112 6.3 8",
       .bytes = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"},
      {.name = "a length and close",
       .section = "9112 9.3",
       .bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n" + length,
       .framing = {Kind::length, 5}},
      {.name = "HTTP/1.0 with a length",
       .section = "9112 9.3",
       .bytes = "HTTP/1.0 200 OK\r\n" + length,
       .framing = {Kind::length, 5}},
      {.name = "HTTP/1.0 with a length, kept",
       .section = "9112 9.3",
       .bytes = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + length,
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "an empty reason",
       .section = "9112 4",
       .bytes = "HTTP/1.1 200 \r\n" + length,
       .reason = "",
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "no space for the reason",
       .section = "9112 4",
       .bytes = "HTTP/1.1 200\r\n" + length,
       .reason = "",
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "a reason of many bytes",
       .section = "9112 4",
       .bytes = "HTTP/1.1 404 Nicht \t gefunden \xfc\r\n" + length,
       .status = 404,
       .reason = "Nicht \t gefunden \xfc",
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "HEAD with a length",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 200 OK\r\n" + length,
       .method = Method::head,
       .framing = {},
       .keep_alive = true},
      {.name = "HEAD with chunked",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 200 OK\r\n" + chunked,
       .method = Method::head,
       .framing = {},
       .keep_alive = true},
      {.name = "HEAD with neither",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 200 OK\r\n\r\n",
       .method = Method::head,
       .framing = {},
       .keep_alive = true},
      {.name = "304 with a length",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 304 OK\r\n" + length,
       .status = 304,
       .framing = {},
       .keep_alive = true},
      {.name = "304 with chunked",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 304 OK\r\n" + chunked,
       .status = 304,
       .framing = {},
       .keep_alive = true},
      {.name = "204",
       .section = "9112 6.3 1",
       .bytes = "HTTP/1.1 204 OK\r\n\r\n",
       .status = 204,
       .framing = {},
       .keep_alive = true},
      {.name = "204 with a length of zero",
       .section = "9110 8.6",
       .bytes = "HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n",
       .status = 204,
       .framing = {},
       .keep_alive = true},
      {.name = "204 with a length: no content, and no next answer",
       .section = "9110 8.6",
       .bytes = "HTTP/1.1 204 OK\r\n" + length,
       .status = 204,
       .framing = {}},
      {.name = "204 with chunked: no content, and no next answer",
       .section = "9112 6.1",
       .bytes = "HTTP/1.1 204 OK\r\n" + chunked,
       .status = 204,
       .framing = {}},
      {.name = "100",
       .section = "9110 15.2",
       .bytes = "HTTP/1.1 100 OK\r\n\r\n",
       .status = 100,
       .framing = {},
       .keep_alive = true},
      {.name = "103 with fields",
       .section = "8297",
       .bytes = "HTTP/1.1 103 OK\r\nLink: </a>; rel=preload\r\n\r\n",
       .status = 103,
       .framing = {},
       .keep_alive = true},
      {.name = "100 with a length",
       .section = "9110 8.6",
       .bytes = "HTTP/1.1 100 OK\r\n" + length,
       .status = 100,
       .framing = {}},
      {.name = "101",
       .section = "9110 15.2.2",
       .bytes = "HTTP/1.1 101 OK\r\nConnection: Upgrade\r\n\r\n",
       .status = 101,
       .framing = {},
       .keep_alive = true},
      {.name = "205 has content like any other",
       .section = "9112 6.3",
       .bytes = "HTTP/1.1 205 OK\r\nContent-Length: 0\r\n\r\n",
       .status = 205,
       .framing = {Kind::length, 0},
       .keep_alive = true},
      {.name = "599",
       .section = "9110 15",
       .bytes = "HTTP/1.1 599 OK\r\n" + length,
       .status = 599,
       .framing = {Kind::length, 5},
       .keep_alive = true},
      {.name = "bytes behind",
       .section = "9112 9.3",
       .bytes = "HTTP/1.1 200 OK\r\n" + length + "hello",
       .framing = {Kind::length, 5},
       .keep_alive = true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const Verdict verdict = read_response(c.bytes, c.method);
    REQUIRE_MESSAGE(verdict.is_complete, describe(verdict.error));
    ResponseHead head;
    REQUIRE(parse_response_head(std::string_view(c.bytes).substr(0, verdict.size), {}, c.method,
                                head) == HeadError::none);
    CHECK(head.status == c.status);
    CHECK(head.reason == c.reason);
    CHECK(head.framing == c.framing);
    CHECK(head.keep_alive == c.keep_alive);
  }
}

TEST_CASE("response heads have limits") {
  HeadLimits limits;
  limits.fields = 1;
  CHECK(read_response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", Method::get, limits).is_complete);
  CHECK(read_response("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n", Method::get, limits).error ==
        HeadError::too_many_fields);
  limits.head_bytes = 20;
  CHECK(read_response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", Method::get, limits).error ==
        HeadError::head_too_large);
}

}  // namespace
}  // namespace larder::http
