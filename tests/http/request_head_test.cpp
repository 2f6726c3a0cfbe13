// Request heads: what is taken, as what, and what is refused, for which reason.
//
// Every case is read whole, in two parts at every place, and byte by byte (in_parts.hpp).
#include <algorithm>
#include <functional>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "http/section_memory.hpp"
#include "in_parts.hpp"

namespace larder::http {
namespace {

using namespace std::string_literals;
using Kind = BodyFraming::Kind;

struct Refused {
  std::string_view name;
  std::string_view section;
  std::string bytes;
  HeadError error;
};

/// A head with a good request line and Host, and these lines between.
std::string with_lines(std::string_view lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

void check(const Refused& c) {
  CAPTURE(c.name);
  CAPTURE(c.section);
  const Verdict verdict = read_request(c.bytes);
  CHECK_MESSAGE(verdict.error == c.error, "got: ", describe(verdict.error));
  CHECK(!verdict.is_complete);
}

TEST_CASE("request heads refused: request line") {
  const Refused cases[] = {
      {"an empty method", "9112 3", " / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::malformed_method},
      {"a method with a separator", "9110 9.1", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_method},
      {"a method with a colon, as a field line has", "9112 3", "Host: a.example\r\n\r\n",
       HeadError::malformed_method},
      {"a method with a high byte", "9110 9.1", "G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_method},
      {"a TLS hello", "9112 3", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 hello\r\n\r\n",
       HeadError::malformed_method},
      {"a tab for the first space", "9112 3", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_method},
      {"a tab for the second space", "9112 3", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_target},
      {"two spaces before the target", "9112 3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_request_line},
      {"two spaces before the version", "9112 3", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_request_line},
      {"a space behind the version", "9112 3", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a space within the target", "9112 3.2", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_request_line},
      {"a second request's line in the target", "9112 3.2",
       "GET / HTTP/1.1 /x HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::malformed_request_line},
      {"HTTP/0.9", "9112 3", "GET /\r\n\r\n", HeadError::malformed_request_line},
      {"a method alone", "9112 3", "GET\r\n\r\n", HeadError::malformed_request_line},
      {"a method and a space", "9112 3", "GET \r\n\r\n", HeadError::malformed_request_line},
      {"no version behind the space", "9112 3", "GET / \r\n\r\n",
       HeadError::malformed_request_line},
      {"a version in lower case", "9112 2.3", "GET / http/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a version of another name", "9112 2.3", "GET / HTTQ/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a version without minor", "9112 2.3", "GET / HTTP/1\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a version with two digits", "9112 2.3", "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a version with a leading zero", "9112 2.3", "GET / HTTP/01.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"a version with a sign", "9112 2.3", "GET / HTTP/+.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_version},
      {"HTTP/1.2", "9110 15.6.6", "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
       HeadError::unsupported_version},
      {"HTTP/2.0, as by its preface", "9110 15.6.6", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       HeadError::unsupported_version},
      {"HTTP/0.9 by name", "9110 15.6.6", "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
       HeadError::unsupported_version},
      {"three empty lines in front", "9112 2.2", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::malformed_request_line},
      {"TRACE", "9110 9.3.8", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::trace_refused},
      {"CONNECT", "9110 9.3.6", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
       HeadError::connect_refused},
      {"CONNECT with a path", "9110 9.3.6", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::connect_refused},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: bytes that stand nowhere") {
  const Refused cases[] = {
      {"the request line ends in LF", "9112 2.2", "GET / HTTP/1.1\nHost: a\r\n\r\n",
       HeadError::bare_line_feed},
      {"a field line ends in LF", "9112 2.2", "GET / HTTP/1.1\r\nHost: a\n\r\n",
       HeadError::bare_line_feed},
      {"the last line is LF", "9112 2.2", "GET / HTTP/1.1\r\nHost: a\r\n\n",
       HeadError::bare_line_feed},
      {"an empty line of LF in front", "9112 2.2", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::bare_line_feed},
      {"LF CR", "9112 2.2", "GET / HTTP/1.1\n\rHost: a\n\r\n\r", HeadError::bare_line_feed},
      {"a second head behind a bare LF", "9112 2.2",
       "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::bare_line_feed},
      {"CR in the method", "9112 2.2", "G\rET / HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::bare_carriage_return},
      {"CR in the target", "9112 2.2", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
       HeadError::bare_carriage_return},
      {"CR in the version", "9112 2.2", "GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n",
       HeadError::bare_carriage_return},
      {"CR CR LF", "9112 2.2", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
       HeadError::bare_carriage_return},
      {"CR in a field name", "9112 2.2", with_lines("X\rY: z\r\n"),
       HeadError::bare_carriage_return},
      {"CR in a field value", "9112 2.2", with_lines("X: y\rZ: q\r\n"),
       HeadError::bare_carriage_return},
      {"CR at the end of a field value", "9112 2.2", with_lines("X: y\r\r\n"),
       HeadError::bare_carriage_return},
      {"CR at a line's start", "9112 2.2", with_lines("\rX: y\r\n"),
       HeadError::bare_carriage_return},
      {"CR hiding a Transfer-Encoding", "9112 2.2",
       with_lines("X: y\rTransfer-Encoding: chunked\r\n"), HeadError::bare_carriage_return},
      {"NUL in the method", "9110 5.5", "G\0ET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
       HeadError::forbidden_byte},
      {"NUL in the target", "9110 5.5", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s,
       HeadError::forbidden_byte},
      {"NUL in a field name", "9110 5.5", with_lines("X\0: y\r\n"s), HeadError::forbidden_byte},
      {"NUL in a field value", "9110 5.5", with_lines("X: y\0z\r\n"s), HeadError::forbidden_byte},
      {"NUL at the end of chunked", "9110 5.5", with_lines("Transfer-Encoding: chunked\0\r\n"s),
       HeadError::forbidden_byte},
      {"a control character in a value", "9110 5.5", with_lines("X: y\x01z\r\n"),
       HeadError::malformed_field_value},
      {"DEL in a value", "9110 5.5", with_lines("X: y\x7f\r\n"), HeadError::malformed_field_value},
      {"a vertical tab before chunked", "9110 5.5",
       with_lines("Transfer-Encoding: \x0b"
                  "chunked\r\n"),
       HeadError::malformed_field_value},
      {"a form feed in a value", "9110 5.5", with_lines("X: \x0c\r\n"),
       HeadError::malformed_field_value},
      {"DEL far behind the start of a long value", "9110 5.5",
       with_lines("X: " + std::string(45, 'a') + "\x7f" + std::string(30, 'b') + "\r\n"),
       HeadError::malformed_field_value},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: targets") {
  const auto with_target = [](std::string_view target, std::string_view host = "a") {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
  };
  const Refused cases[] = {
      {"a fragment", "9112 3.2", with_target("/a#b"), HeadError::fragment_in_target},
      {"a fragment alone", "9112 3.2", with_target("#"), HeadError::fragment_in_target},
      {"a fragment in a query", "9112 3.2", with_target("/a?b#c"), HeadError::fragment_in_target},
      {"a fragment in absolute-form", "9112 3.2", with_target("http://a/#c"),
       HeadError::fragment_in_target},
      {"raw bytes beyond ASCII", "9112 3.2", with_target("/\xc3\xa9"), HeadError::malformed_target},
      {"a DEL", "9112 3.2", with_target("/\x7f"), HeadError::malformed_target},
      {"a control character", "9112 3.2", with_target("/\x01"), HeadError::malformed_target},
      {"a control character behind sixteen good bytes", "9112 3.2",
       with_target("/0123456789abcdef\x1f"), HeadError::malformed_target},
      {"no slash in front", "9112 3.2.1", with_target("a"), HeadError::malformed_target},
      {"an authority without CONNECT", "9112 3.2.3", with_target("a:80"),
       HeadError::malformed_target},
      {"a query alone", "9112 3.2.1", with_target("?a"), HeadError::malformed_target},
      {"asterisk-form without OPTIONS", "9112 3.2.4", with_target("*"),
       HeadError::malformed_target},
      {"an asterisk and more", "9112 3.2.4", with_target("*/"), HeadError::malformed_target},
      {"a scheme that is not HTTP's", "9112 3.2.2", with_target("ftp://a/"),
       HeadError::unsupported_scheme},
      {"file:", "9112 3.2.2", with_target("file:///etc/passwd"), HeadError::unsupported_scheme},
      {"no scheme before its slashes", "9112 3.2.2", with_target("://a/"),
       HeadError::malformed_target},
      {"a scheme with a forbidden character", "9112 3.2.2", with_target("ht(tp://a/"),
       HeadError::malformed_target},
      {"a path where the scheme would be", "9112 3.2.2", with_target("x/http://a/"),
       HeadError::malformed_target},
      {"one slash behind the scheme", "9112 3.2.2", with_target("http:/a/"),
       HeadError::malformed_target},
      {"no host behind the scheme", "9110 4.2.1", with_target("http:///a"),
       HeadError::malformed_host},
      {"a port without host", "9110 4.2.1", with_target("http://:80/"), HeadError::malformed_host},
      {"a name and password", "9110 4.2.4", with_target("http://u:p@a/"),
       HeadError::malformed_host},
      {"a name", "9110 4.2.4", with_target("http://u@a/"), HeadError::malformed_host},
      {"a backslash before the host's end", "9110 4.2.4", with_target("http://a\\@b/"),
       HeadError::malformed_host},
      {"another host than Host names", "9112 3.2.2", with_target("http://b/", "a"),
       HeadError::host_differs_from_target},
      {"another port than Host names", "9112 3.2.2", with_target("http://a:81/", "a"),
       HeadError::host_differs_from_target},
      {"https' port under http", "9112 3.2.2", with_target("http://a/", "a:443"),
       HeadError::host_differs_from_target},
      {"a longer host than Host names", "9112 3.2.2", with_target("http://a.b/", "a"),
       HeadError::host_differs_from_target},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: Host") {
  const auto with_host = [](std::string_view host) {
    return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
  };
  const Refused cases[] = {
      {"none in HTTP/1.1", "9112 3.2", "GET / HTTP/1.1\r\n\r\n", HeadError::missing_host},
      {"none with absolute-form", "9112 3.2.2", "GET http://a/ HTTP/1.1\r\n\r\n",
       HeadError::missing_host},
      {"only a name like it", "9112 3.2", "GET / HTTP/1.1\r\nHosts: a\r\nX-Host: a\r\n\r\n",
       HeadError::missing_host},
      {"two that differ", "9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
       HeadError::repeated_host},
      {"two that are the same", "9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
       HeadError::repeated_host},
      {"three", "9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nHost: a\r\n\r\n",
       HeadError::repeated_host},
      {"two in HTTP/1.0", "9112 3.2", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
       HeadError::repeated_host},
      {"two with absolute-form", "9112 3.2", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
       HeadError::repeated_host},
      {"a second behind a space", "9112 5.1", "GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n",
       HeadError::whitespace_before_colon},
      {"a folded one", "9112 5.2", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
       HeadError::obsolete_line_folding},
      {"an indented one", "9112 2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
       HeadError::obsolete_line_folding},
      {"empty", "9110 7.2", with_host(""), HeadError::malformed_host},
      {"empty in HTTP/1.0", "9110 7.2", "GET / HTTP/1.0\r\nHost:\r\n\r\n",
       HeadError::malformed_host},
      {"a port alone", "9110 7.2", with_host(":80"), HeadError::malformed_host},
      {"a space within", "9110 7.2", with_host("a b"), HeadError::malformed_host},
      {"a tab within", "9110 7.2", with_host("a\tb"), HeadError::malformed_host},
      {"a path behind", "9110 7.2", with_host("a/b"), HeadError::malformed_host},
      {"a query behind", "9110 7.2", with_host("a?b"), HeadError::malformed_host},
      {"a fragment behind", "9110 7.2", with_host("a#b"), HeadError::malformed_host},
      {"a name before", "9110 7.2", with_host("u@a"), HeadError::malformed_host},
      {"a scheme before", "9110 7.2", with_host("http://a"), HeadError::malformed_host},
      {"a backslash", "9110 7.2", with_host("a\\b"), HeadError::malformed_host},
      {"a broken percent sign", "3986 2.1", with_host("a%2"), HeadError::malformed_host},
      {"a percent sign and no digits", "3986 2.1", with_host("a%zz"), HeadError::malformed_host},
      {"a high byte", "3986 3.2.2", with_host("\xc3\xa9"), HeadError::malformed_host},
      {"a port of letters", "3986 3.2.3", with_host("a:b"), HeadError::malformed_host},
      {"a port with a sign", "3986 3.2.3", with_host("a:-1"), HeadError::malformed_host},
      {"a port beyond the last", "3986 3.2.3", with_host("a:65536"), HeadError::malformed_host},
      {"a port of six digits", "3986 3.2.3", with_host("a:000080"), HeadError::malformed_host},
      {"two ports", "3986 3.2.3", with_host("a:80:80"), HeadError::malformed_host},
      {"a port and more", "3986 3.2.3", with_host("a:80x"), HeadError::malformed_host},
      {"an IPv6 address without brackets", "3986 3.2.2", with_host("::1"),
       HeadError::malformed_host},
      {"a bracket that does not close", "3986 3.2.2", with_host("[::1"), HeadError::malformed_host},
      {"empty brackets", "3986 3.2.2", with_host("[]"), HeadError::malformed_host},
      {"a name in brackets", "3986 3.2.2", with_host("[a.example]"), HeadError::malformed_host},
      {"seven groups", "3986 3.2.2", with_host("[1:2:3:4:5:6:7]"), HeadError::malformed_host},
      {"nine groups", "3986 3.2.2", with_host("[1:2:3:4:5:6:7:8:9]"), HeadError::malformed_host},
      {"eight groups and a gap", "3986 3.2.2", with_host("[::1:2:3:4:5:6:7:8]"),
       HeadError::malformed_host},
      {"two gaps", "3986 3.2.2", with_host("[1::2::3]"), HeadError::malformed_host},
      {"three colons", "3986 3.2.2", with_host("[:::1]"), HeadError::malformed_host},
      {"a colon at the end", "3986 3.2.2", with_host("[1:2:3:4:5:6:7:]"),
       HeadError::malformed_host},
      {"a colon at the start", "3986 3.2.2", with_host("[:1:2:3:4:5:6:7]"),
       HeadError::malformed_host},
      {"a group of five digits", "3986 3.2.2", with_host("[::12345]"), HeadError::malformed_host},
      {"IPv4 in front of groups", "3986 3.2.2", with_host("[1.2.3.4::]"),
       HeadError::malformed_host},
      {"an octet beyond 255", "3986 3.2.2", with_host("[::1.2.3.256]"), HeadError::malformed_host},
      {"three octets", "3986 3.2.2", with_host("[::1.2.3]"), HeadError::malformed_host},
      {"a zone", "6874", with_host("[fe80::1%25eth0]"), HeadError::malformed_host},
      {"IPvFuture", "3986 3.2.2", with_host("[v1.a]"), HeadError::malformed_host},
      {"text behind the bracket", "3986 3.2.2", with_host("[::1]a"), HeadError::malformed_host},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: field lines") {
  const Refused cases[] = {
      {"no colon", "9112 5", with_lines("X\r\n"), HeadError::malformed_field_name},
      {"no name", "9112 5", with_lines(": y\r\n"), HeadError::malformed_field_name},
      {"a space in the name", "9112 5", with_lines("X Y: z\r\n"), HeadError::malformed_field_name},
      {"a separator in the name", "9110 5.1", with_lines("X(Y): z\r\n"),
       HeadError::malformed_field_name},
      {"a high byte in the name", "9110 5.1", with_lines("X\xe9: z\r\n"),
       HeadError::malformed_field_name},
      {"a quote in the name", "9110 5.1", with_lines("\"X\": z\r\n"),
       HeadError::malformed_field_name},
      {"a name of Unicode letters", "9110 5.1",
       with_lines("T\xc2\xadransfer-Encoding: chunked\r\n"), HeadError::malformed_field_name},
      {"a space before the colon", "9112 5.1", with_lines("X : y\r\n"),
       HeadError::whitespace_before_colon},
      {"a tab before the colon", "9112 5.1", with_lines("X\t: y\r\n"),
       HeadError::whitespace_before_colon},
      {"Content-Length and a space before the colon", "9112 5.1",
       with_lines("Content-Length : 5\r\n"), HeadError::whitespace_before_colon},
      {"Transfer-Encoding and a space before the colon", "9112 5.1",
       with_lines("Transfer-Encoding : chunked\r\n"), HeadError::whitespace_before_colon},
      {"a line folded by a space", "9112 5.2", with_lines("X: y\r\n z\r\n"),
       HeadError::obsolete_line_folding},
      {"a line folded by a tab", "9112 5.2", with_lines("X: y\r\n\tz\r\n"),
       HeadError::obsolete_line_folding},
      {"chunked folded", "9112 5.2", with_lines("Transfer-Encoding:\r\n chunked\r\n"),
       HeadError::obsolete_line_folding},
      {"a line of one space", "9112 5.2", with_lines("X: y\r\n \r\n"),
       HeadError::obsolete_line_folding},
      {"a colon behind an indent", "9112 5.2", with_lines(" X: y\r\n"),
       HeadError::obsolete_line_folding},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: framing") {
  const Refused cases[] = {
      {"CL.TE", "9112 6.1", with_lines("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::length_with_transfer_encoding},
      {"TE.CL", "9112 6.1", with_lines("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"),
       HeadError::length_with_transfer_encoding},
      {"CL.TE with a coding unknown", "9112 6.1",
       with_lines("Content-Length: 6\r\nTransfer-Encoding: xchunked\r\n"),
       HeadError::length_with_transfer_encoding},
      {"CL.TE with a length of zero", "9112 6.1",
       with_lines("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::length_with_transfer_encoding},
      {"CL.TE with a malformed length", "9112 6.1",
       with_lines("Content-Length: x\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::length_with_transfer_encoding},
      {"TE.TE", "9112 6.1",
       with_lines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::repeated_transfer_encoding},
      {"TE.TE, the second unknown", "9112 6.1",
       with_lines("Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n"),
       HeadError::repeated_transfer_encoding},
      {"TE.TE, the first unknown", "9112 6.1",
       with_lines("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
       HeadError::repeated_transfer_encoding},
      {"HTTP/1.0 with Transfer-Encoding", "9112 6.1",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       HeadError::transfer_encoding_in_http_1_0},
      {"HTTP/1.0 with an unknown coding", "9112 6.1",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
       HeadError::transfer_encoding_in_http_1_0},
      {"xchunked", "9112 6.1", with_lines("Transfer-Encoding: xchunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunkedx", "9112 6.1", with_lines("Transfer-Encoding: chunkedx\r\n"),
       HeadError::unknown_transfer_encoding},
      {"identity", "9112 6.1", with_lines("Transfer-Encoding: identity\r\n"),
       HeadError::unknown_transfer_encoding},
      {"gzip", "9112 6.1", with_lines("Transfer-Encoding: gzip\r\n"),
       HeadError::unknown_transfer_encoding},
      {"gzip, chunked", "9112 6.1", with_lines("Transfer-Encoding: gzip, chunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked, chunked", "9112 6.1", with_lines("Transfer-Encoding: chunked, chunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked, identity", "9112 6.1", with_lines("Transfer-Encoding: chunked, identity\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked in quotes", "9112 6.1", with_lines("Transfer-Encoding: \"chunked\"\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked in single quotes", "9112 6.1", with_lines("Transfer-Encoding: 'chunked'\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked with a parameter", "9112 6.1", with_lines("Transfer-Encoding: chunked;a=b\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked and an empty member", "9112 6.1", with_lines("Transfer-Encoding: chunked,\r\n"),
       HeadError::unknown_transfer_encoding},
      {"an empty member and chunked", "9112 6.1", with_lines("Transfer-Encoding: , chunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"an empty coding", "9112 6.1", with_lines("Transfer-Encoding:\r\n"),
       HeadError::unknown_transfer_encoding},
      {"chunked behind a high byte", "9112 6.1",
       with_lines("Transfer-Encoding: \xa0"
                  "chunked\r\n"),
       HeadError::unknown_transfer_encoding},
      {"two lengths that differ", "9112 6.3",
       with_lines("Content-Length: 5\r\nContent-Length: 6\r\n"),
       HeadError::conflicting_content_length},
      {"two lengths that are the same", "9112 6.3",
       with_lines("Content-Length: 5\r\ncontent-length: 5\r\n"),
       HeadError::conflicting_content_length},
      {"a list of lengths", "9112 6.3", with_lines("Content-Length: 5, 5\r\n"),
       HeadError::malformed_content_length},
      {"a length with plus", "9110 8.6", with_lines("Content-Length: +5\r\n"),
       HeadError::malformed_content_length},
      {"a length with minus", "9110 8.6", with_lines("Content-Length: -1\r\n"),
       HeadError::malformed_content_length},
      {"a length in hex", "9110 8.6", with_lines("Content-Length: 0x5\r\n"),
       HeadError::malformed_content_length},
      {"a length with a point", "9110 8.6", with_lines("Content-Length: 5.0\r\n"),
       HeadError::malformed_content_length},
      {"a length with an exponent", "9110 8.6", with_lines("Content-Length: 5e1\r\n"),
       HeadError::malformed_content_length},
      {"a length with an underscore", "9110 8.6", with_lines("Content-Length: 1_0\r\n"),
       HeadError::malformed_content_length},
      {"a length with a space within", "9110 8.6", with_lines("Content-Length: 1 0\r\n"),
       HeadError::malformed_content_length},
      {"a length in quotes", "9110 8.6", with_lines("Content-Length: \"5\"\r\n"),
       HeadError::malformed_content_length},
      {"an empty length", "9110 8.6", with_lines("Content-Length: \r\n"),
       HeadError::malformed_content_length},
      {"a length in other digits", "9110 8.6", with_lines("Content-Length: \xd9\xa5\r\n"),
       HeadError::malformed_content_length},
      {"2^63", "9110 8.6", with_lines("Content-Length: 9223372036854775808\r\n"),
       HeadError::content_length_too_large},
      {"2^64 + 5", "9110 8.6", with_lines("Content-Length: 18446744073709551621\r\n"),
       HeadError::content_length_too_large},
      {"forty digits", "9110 8.6", with_lines("Content-Length: " + std::string(40, '9') + "\r\n"),
       HeadError::content_length_too_large},
      {"an unknown expectation", "9110 10.1.1", with_lines("Expect: 200-ok\r\n"),
       HeadError::unknown_expectation},
      {"an expectation and more", "9110 10.1.1", with_lines("Expect: 100-continue, x\r\n"),
       HeadError::unknown_expectation},
      {"a second expectation that is unknown", "9110 10.1.1",
       with_lines("Expect: 100-continue\r\nExpect: x\r\n"), HeadError::unknown_expectation},
      {"an empty expectation", "9110 10.1.1", with_lines("Expect:\r\n"),
       HeadError::unknown_expectation},
  };
  for (const Refused& c : cases) check(c);
}

TEST_CASE("request heads refused: limits, each with its pair") {
  const std::string small = "GET /abc HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  HeadLimits limits;
  limits.head_bytes = small.size();
  CHECK(read_request(small, limits).is_complete);
  limits.head_bytes = small.size() - 1;
  CHECK(read_request(small, limits).error == HeadError::head_too_large);
  limits.head_bytes = 10;
  CHECK(read_request(small, limits).error == HeadError::target_too_long);
  limits = {};
  limits.fields = 2;
  CHECK(read_request(small, limits).is_complete);
  limits.fields = 1;
  CHECK(read_request(small, limits).error == HeadError::too_many_fields);
  limits = {};
  limits.target_bytes = 4;
  CHECK(read_request(small, limits).is_complete);
  limits.target_bytes = 3;
  CHECK(read_request(small, limits).error == HeadError::target_too_long);
  CHECK(read_request("\r\n\r\n" + small).is_complete);
  limits = {};
  limits.head_bytes = small.size() + 3;
  CHECK(read_request("\r\n\r\n" + small, limits).error == HeadError::head_too_large);
  CHECK(read_request("GET /" + std::string(40000, 'a')).error == HeadError::target_too_long);
}

struct Taken {
  std::string_view name;
  std::string_view section;
  std::string bytes;
  Method method = Method::get;
  TargetForm form = TargetForm::origin;
  std::string path = "/";
  std::optional<std::string> query{};
  std::string host = "a";
  Version version = Version::http_1_1;
  BodyFraming framing{};
  bool keep_alive = true;
  bool expects_continue = false;
  std::size_t fields = 1;
};

TEST_CASE("request heads taken") {
  const Taken cases[] = {
      {.name = "the plainest", .section = "9112 3", .bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {.name = "one empty line in front",
       .section = "9112 2.2",
       .bytes = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {.name = "two empty lines in front",
       .section = "9112 2.2",
       .bytes = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {.name = "bytes of the next request behind",
       .section = "9112 9.3.2",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n"},
      {.name = "a path and a query",
       .section = "9112 3.2.1",
       .bytes = "GET /a/b?c=d HTTP/1.1\r\nHost: a\r\n\r\n",
       .path = "/a/b",
       .query = "c=d"},
      {.name = "an empty query",
       .section = "9112 3.2.1",
       .bytes = "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n",
       .path = "/a",
       .query = ""},
      {.name = "a second question mark",
       .section = "3986 3.4",
       .bytes = "GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n",
       .path = "/a",
       .query = "b?c"},
      {.name = "two slashes, not an authority",
       .section = "9112 3.2.1",
       .bytes = "GET //b/c HTTP/1.1\r\nHost: a\r\n\r\n",
       .path = "//b/c"},
      {.name = "characters browsers send unencoded",
       .section = "3986 3.3",
       .bytes = "GET /\"<>\\^`{|}?[\"] HTTP/1.1\r\nHost: a\r\n\r\n",
       .path = "/\"<>\\^`{|}",
       .query = "[\"]"},
      {.name = "absolute-form",
       .section = "9112 3.2.2",
       .bytes = "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
       .form = TargetForm::absolute,
       .path = "/b",
       .query = "c"},
      {.name = "absolute-form by https and in capitals",
       .section = "9112 3.2.2",
       .bytes = "GET HTTPS://A.B/ HTTP/1.1\r\nHost: a.b\r\n\r\n",
       .form = TargetForm::absolute,
       .host = "A.B"},
      {.name = "absolute-form without path",
       .section = "9112 3.2.1",
       .bytes = "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
       .form = TargetForm::absolute},
      {.name = "absolute-form without path but query",
       .section = "9112 3.2.1",
       .bytes = "GET http://a?b/c HTTP/1.1\r\nHost: a\r\n\r\n",
       .form = TargetForm::absolute,
       .query = "b/c"},
      {.name = "absolute-form with the scheme's port",
       .section = "3986 6.2.3",
       .bytes = "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
       .form = TargetForm::absolute,
       .host = "a:80"},
      {.name = "absolute-form, the scheme's port in Host",
       .section = "3986 6.2.3",
       .bytes = "GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n",
       .form = TargetForm::absolute},
      {.name = "absolute-form in HTTP/1.0 without Host",
       .section = "9112 3.2.2",
       .bytes = "GET http://b/ HTTP/1.0\r\n\r\n",
       .form = TargetForm::absolute,
       .host = "b",
       .version = Version::http_1_0,
       .keep_alive = false,
       .fields = 0},
      {.name = "asterisk-form",
       .section = "9112 3.2.4",
       .bytes = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::options,
       .form = TargetForm::asterisk,
       .path = "*"},
      {.name = "OPTIONS of a whole server by absolute-form",
       .section = "9112 3.2.4",
       .bytes = "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::options,
       .form = TargetForm::asterisk,
       .path = "*"},
      {.name = "OPTIONS of the root by absolute-form",
       .section = "9112 3.2.4",
       .bytes = "OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::options,
       .form = TargetForm::absolute},
      {.name = "HEAD",
       .section = "9110 9.3.2",
       .bytes = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::head},
      {.name = "PUT",
       .section = "9110 9.3.4",
       .bytes = "PUT / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::put},
      {.name = "PATCH",
       .section = "5789",
       .bytes = "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::patch},
      {.name = "DELETE",
       .section = "9110 9.3.5",
       .bytes = "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::del},
      {.name = "a method in lower case is another",
       .section = "9110 9.1",
       .bytes = "get / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::other},
      {.name = "a method of every token character",
       .section = "9110 9.1",
       .bytes = "!#$%&'*+-.^_`|~9zZ / HTTP/1.1\r\nHost: a\r\n\r\n",
       .method = Method::other},
      {.name = "Host with a port",
       .section = "9110 7.2",
       .bytes = "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n",
       .host = "a:65535"},
      {.name = "Host with an empty port",
       .section = "3986 3.2.3",
       .bytes = "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
       .host = "a:"},
      {.name = "Host by IPv4",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
       .host = "127.0.0.1:80"},
      {.name = "Host by IPv6",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
       .host = "[::1]:8080"},
      {.name = "Host by eight groups",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8]\r\n\r\n",
       .host = "[1:2:3:4:5:6:7:8]"},
      {.name = "Host by seven groups and a gap",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7::]\r\n\r\n",
       .host = "[1:2:3:4:5:6:7::]"},
      {.name = "Host by the unspecified address",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: [::]\r\n\r\n",
       .host = "[::]"},
      {.name = "Host by IPv4 in IPv6",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.255]\r\n\r\n",
       .host = "[::ffff:1.2.3.255]"},
      {.name = "Host with underscore and percent",
       .section = "3986 3.2.2",
       .bytes = "GET / HTTP/1.1\r\nHost: a_b-c.%41~\r\n\r\n",
       .host = "a_b-c.%41~"},
      {.name = "no Host in HTTP/1.0",
       .section = "9112 3.2",
       .bytes = "GET / HTTP/1.0\r\n\r\n",
       .host = "",
       .version = Version::http_1_0,
       .keep_alive = false,
       .fields = 0},
      {.name = "HTTP/1.0 that wishes to be kept",
       .section = "9112 9.3",
       .bytes = "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n",
       .version = Version::http_1_0,
       .fields = 2},
      {.name = "HTTP/1.0, kept and closed",
       .section = "9112 9.3",
       .bytes = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
       .version = Version::http_1_0,
       .keep_alive = false,
       .fields = 2},
      {.name = "HTTP/1.1 that closes",
       .section = "9112 9.3",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
       .keep_alive = false,
       .fields = 2},
      {.name = "close in a second line",
       .section = "9112 9.3",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
       .keep_alive = false,
       .fields = 3},
      {.name = "a length",
       .section = "9112 6.3",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
       .method = Method::post,
       .framing = {Kind::length, 5},
       .fields = 2},
      {.name = "a length of zero",
       .section = "9112 6.3",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 0},
       .fields = 2},
      {.name = "a length with leading zeros",
       .section = "9110 8.6",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0010\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 10},
       .fields = 2},
      {.name = "2^63-1",
       .section = "9110 8.6",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 9223372036854775807u},
       .fields = 2},
      {.name = "a length between tabs",
       .section = "9112 5.1",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t 7 \t\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 7},
       .fields = 2},
      {.name = "a GET with content",
       .section = "9110 9.3.1",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
       .framing = {Kind::length, 5},
       .fields = 2},
      {.name = "chunked",
       .section = "9112 6.3",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::chunked, 0},
       .fields = 2},
      {.name = "chunked in capitals",
       .section = "9112 7",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING:Chunked \r\n\r\n",
       .method = Method::post,
       .framing = {Kind::chunked, 0},
       .fields = 2},
      {.name = "an expectation with chunked",
       .section = "9110 10.1.1",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: "
                "100-Continue\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::chunked, 0},
       .expects_continue = true,
       .fields = 3},
      {.name = "an expectation with a length",
       .section = "9110 10.1.1",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 1},
       .expects_continue = true,
       .fields = 3},
      {.name = "an expectation without content",
       .section = "9110 10.1.1",
       .bytes = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
       .method = Method::post,
       .framing = {Kind::length, 0},
       .fields = 3},
      {.name = "an expectation in HTTP/1.0",
       .section = "9110 10.1.1",
       .bytes = "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
       .method = Method::post,
       .version = Version::http_1_0,
       .framing = {Kind::length, 1},
       .keep_alive = false,
       .fields = 3},
      {.name = "values of every allowed byte",
       .section = "9110 5.5",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: !~ \t\x80\xff\"\\\r\nY:\r\nZ:  \t \r\n\r\n",
       .fields = 4},
      {.name = "a name of every token character",
       .section = "9110 5.1",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: y\r\n\r\n",
       .fields = 2},
  };
  for (const Taken& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    const Verdict verdict = read_request(c.bytes);
    REQUIRE_MESSAGE(verdict.is_complete, describe(verdict.error));
    RequestHead head;
    REQUIRE(parse_request_head(std::string_view(c.bytes).substr(0, verdict.size), {}, head) ==
            HeadError::none);
    CHECK(head.method == c.method);
    CHECK(head.form == c.form);
    CHECK(head.path == c.path);
    CHECK(head.query.has_value() == c.query.has_value());
    if (head.query && c.query) CHECK(*head.query == *c.query);
    CHECK(head.host == c.host);
    CHECK(head.version == c.version);
    CHECK(head.framing == c.framing);
    CHECK(head.keep_alive == c.keep_alive);
    CHECK(head.expects_continue == c.expects_continue);
    CHECK(head.fields.size() == c.fields);
  }
}

TEST_CASE("a head that is not complete waits, and is refused when parsed all the same") {
  const std::string bytes = "POST /a?b HTTP/1.1\r\nHost: a\r\nX-Some-Name: some value\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const auto room = std::make_unique<char[]>(size);
    std::copy_n(bytes.data(), size, room.get());
    HeadScanner scanner;
    CHECK(scanner.scan({room.get(), size}, {}) == HeadScanner::State::need_more);
    RequestHead head;
    CHECK(parse_request_head({room.get(), size}, {}, head) != HeadError::none);
    ResponseHead response;
    CHECK(parse_response_head({room.get(), size}, {}, Method::get, response) != HeadError::none);
  }
}

TEST_CASE("what lies behind a head changes nothing, whatever it ends with") {
  const std::string head = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string behind : {"", "x", "\n", "\r\n\r\n", "x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                                   "GET / HTTP/1.1\r\nHost: b\r\n\r\n"}) {
    CAPTURE(behind);
    const std::string bytes = head + behind;
    const Verdict verdict = read_as_it_arrives(bytes, {}, {});
    CHECK(verdict.is_complete);
    CHECK(verdict.size == head.size());
    CHECK(read_as_it_arrives(bytes, {7}, {}) == verdict);
  }
  // A limit that the head keeps within, and what lies behind it does not.
  CHECK(read_as_it_arrives(head + head, {}, {.head_bytes = head.size() + 1}).is_complete);
}

TEST_CASE("a scanner keeps its verdict and starts anew after reset") {
  HeadScanner scanner;
  const std::string_view first = "GET / HTTP/1.1\r\n\r\n";
  CHECK(scanner.scan(first, {}) == HeadScanner::State::complete);
  CHECK(scanner.end() == first.size());
  CHECK(scanner.scan("GET / HTTP/1.1\r\n\r\nGET", {}) == HeadScanner::State::complete);
  scanner.reset();
  CHECK(scanner.scan("G\n", {}) == HeadScanner::State::refused);
  CHECK(scanner.scan("G\nabc", {}) == HeadScanner::State::refused);
  CHECK(scanner.error() == HeadError::bare_line_feed);
  scanner.reset();
  CHECK(scanner.error() == HeadError::none);
  CHECK(scanner.scan("G", {}) == HeadScanner::State::need_more);
}

TEST_CASE("a head's storage is used again and nothing of the last head stays") {
  RequestHead head;
  CHECK(parse_request_head("POST http://b/x?y HTTP/1.1\r\nHost: b\r\nConnection: close\r\nExpect: "
                           "100-continue\r\nContent-Length: 3\r\n\r\n",
                           {}, head) == HeadError::none);
  CHECK(parse_request_head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {}, head) ==
        HeadError::none);
  CHECK(describe_head(head) == "GET 0\n0 /\n-\n\n0\nConnection=keep-alive|Connection\nnone 0 keep");
}

TEST_CASE("a section that stands again gives the same head as one that is read anew") {
  const std::string browser = "Host: a\r\nAccept: text/html;q=0.9\r\nCookie: a=b\r\n\r\n";
  const std::string posted = "Host: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  struct Case {
    const char* name;
    std::string first;
    std::string second;
  };
  const Case cases[] = {
      {"the same request", "GET /a HTTP/1.1\r\n" + browser, "GET /a HTTP/1.1\r\n" + browser},
      {"another target, behind an empty line", "GET /a HTTP/1.1\r\n" + browser,
       "\r\nGET /b/c?d HTTP/1.1\r\n" + browser},
      {"a section that goes on", "GET / HTTP/1.1\r\n" + browser,
       "GET / HTTP/1.1\r\n" + browser.substr(0, browser.size() - 2) + "X: y\r\n\r\n"},
      {"a section that ends before", "GET / HTTP/1.1\r\n" + browser,
       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"one byte that differs", "GET / HTTP/1.1\r\n" + browser,
       "GET / HTTP/1.1\r\nHost: b" + browser.substr(7)},
      {"what lies behind it", "GET / HTTP/1.1\r\n" + browser,
       "GET / HTTP/1.1\r\n" + browser + "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"},
      {"a length and an expectation", "POST / HTTP/1.1\r\n" + posted,
       "POST /b HTTP/1.1\r\n" + posted},
      {"no Host, which HTTP/1.0 alone may leave out", "GET / HTTP/1.0\r\nX: y\r\n\r\n",
       "GET / HTTP/1.1\r\nX: y\r\n\r\n"},
      {"a Host that the target now differs from", "GET / HTTP/1.1\r\n" + browser,
       "GET http://b/ HTTP/1.1\r\n" + browser},
      {"a Host that was refused", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"a Host that the target differed from", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a section that was refused", "GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    RequestHead head;
    SectionMemory memory;
    const auto read = [&](const std::string& bytes) {
      // Where the one before stood nobody may look any more.
      const std::unique_ptr<char[]> room = std::make_unique<char[]>(bytes.size());
      std::copy(bytes.begin(), bytes.end(), room.get());
      HeadScanner scanner;
      HeadError error = HeadError::none;
      const auto state =
          read_request_head({room.get(), bytes.size()}, {}, scanner, head, error, memory);
      const bool is_complete = state == HeadScanner::State::complete;
      return Verdict{error, is_complete, is_complete ? head.size : 0,
                     is_complete ? describe_head(head) : ""};
    };
    CHECK(read(c.first) == read_as_it_arrives(c.first, {}, {}));
    CHECK(read(c.second) == read_as_it_arrives(c.second, {}, {}));
  }
}

TEST_CASE("a head's section is numbered as the last one while it stands again") {
  RequestHead head;
  SectionMemory memory;
  const auto section_of = [&](const std::string& bytes) {
    HeadScanner scanner;
    HeadError error = HeadError::none;
    REQUIRE(read_request_head(bytes, {}, scanner, head, error, memory) ==
            HeadScanner::State::complete);
    return head.section;
  };
  const std::uint64_t first = section_of("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(first != 0);
  CHECK(section_of("GET /b?c HTTP/1.1\r\nHost: a\r\n\r\n") == first);
  const std::uint64_t second = section_of("GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
  CHECK(second != first);
  // Nothing is known of the one before the last any more.
  CHECK(section_of("GET /a HTTP/1.1\r\nHost: a\r\n\r\n") != first);
  REQUIRE(parse_request_head("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", {}, head) == HeadError::none);
  CHECK(head.section == 0);
}

TEST_CASE("24 field lines need no memory but the head's own") {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 1; i < 24; ++i) bytes += "X-Name: value\r\n";
  bytes += "\r\n";
  RequestHead head;
  REQUIRE(parse_request_head(bytes, {}, head) == HeadError::none);
  CHECK(head.fields.size() == 24);
  const void* const first = &*head.fields.begin();
  CHECK(std::greater_equal<>()(first, static_cast<const void*>(&head)));
  CHECK(std::less<>()(first, static_cast<const void*>(&head + 1)));
}

TEST_CASE("a byte that cannot stand in a value is found at every place of it") {
  for (std::size_t length : {1u, 7u, 15u, 16u, 17u, 31u, 33u, 64u}) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char byte : {'\0', '\x01', '\x1f', '\x7f', '\t', '\x80', '\xff', ' '}) {
        std::string value(length, 'v');
        value[at] = byte;
        const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n";
        RequestHead head;
        const bool taken = parse_request_head(bytes, {}, head) == HeadError::none;
        const bool allowed = byte == '\t' || byte == ' ' || (byte & 0x80) != 0;
        if (taken != allowed) FAIL_CHECK(length << " bytes, " << int{byte} << " at " << at);
      }
    }
  }
}

TEST_CASE("one changed byte never makes two readings (seeded)") {
  const std::string base =
      "POST /a/b?c=d HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: 12\r\nX-Y: z\r\n\r\n";
  std::mt19937 random(20260101);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = base;
    for (unsigned changes = random() % 3 + 1; changes != 0; --changes) {
      constexpr std::string_view tempting =
          "\r\n\0 \t:,;?#/%\x7f\x80"
          "0aA";
      bytes[random() % bytes.size()] = tempting[random() % tempting.size()];
    }
    const auto parse = parse_request_head;
    const Verdict whole = read_in_parts<RequestHead>(bytes, {}, {}, parse);
    const std::size_t cut = random() % bytes.size();
    if (!(read_in_parts<RequestHead>(bytes, {cut}, {}, parse) == whole)) FAIL_CHECK(bytes);
  }
}

}  // namespace
}  // namespace larder::http
