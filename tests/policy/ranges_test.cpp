#include "policy/ranges.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

// RFC 9110's example: Sun, 06 Nov 1994 08:49:37 GMT.
constexpr SystemSeconds modified{std::chrono::seconds{784'111'777}};
constexpr std::chrono::seconds one_second{1};

TEST_CASE("decide_range") {
  const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const Validators strong{"\"a\"", date, modified + one_second};
  const Validators weak{"W/\"a\"", date, modified};
  const Validators none{{}, {}, modified};
  using Reason = WholeContent::Reason;
  const RangeDecision first_two = OneRange{{0, 1}};
  const RangeDecision differs = WholeContent{Reason::if_range_differs};
  const RangeDecision ignored = WholeContent{Reason::ignored};
  struct Case {
    const char* name;
    const char* section;
    Validators stored;
    std::vector<std::string> fields;
    RangeDecision expected;
    const char* method = "GET";
  };
  const Case cases[] = {
      {"no Range", "9110 14.2", strong, {}, WholeContent{Reason::not_asked}},
      {"If-Range alone",
       "9110 13.1.5",
       strong,
       {"If-Range: \"b\""},
       WholeContent{Reason::not_asked}},
      {"one range", "9110 14.2", strong, {"Range: bytes=0-1"}, first_two},
      {"two ranges",
       "9110 15.3.7.2",
       strong,
       {"Range: bytes=0-1,-1"},
       SeveralRanges{{{0, 1}, {9, 9}}}},
      {"two ranges, one of them behind the end",
       "9110 15.3.7.2",
       strong,
       {"Range: bytes=0-1,50-60"},
       first_two},
      {"behind the end", "9110 15.5.17", strong, {"Range: bytes=10-"}, NoSuchRange{}},
      {"HEAD", "9110 14.2", strong, {"Range: bytes=0-1"}, WholeContent{Reason::method}, "HEAD"},
      {"another unit", "9110 14.2", strong, {"Range: items=0-1"}, ignored},
      {"malformed", "9110 14.2", strong, {"Range: bytes=1-0"}, ignored},
      {"overlapping", "9110 17.15", strong, {"Range: bytes=0-5,3-7"}, ignored},
      {"Range twice", "9110 5.3", strong, {"Range: bytes=0-1", "Range: bytes=0-1"}, ignored},
      {"If-Range with the entity tag",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: \"a\""},
       first_two},
      {"If-Range with another",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: \"b\""},
       differs},
      {"If-Range with a weak one that matches weakly",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: W/\"a\""},
       differs},
      {"If-Range with what is stored as weak",
       "9110 13.1.5",
       weak,
       {"Range: bytes=0-1", "If-Range: W/\"a\""},
       differs},
      {"If-Range with an entity tag where none is stored",
       "9110 13.1.5",
       none,
       {"Range: bytes=0-1", "If-Range: \"a\""},
       differs},
      {"If-Range with a list",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: \"a\", \"b\""},
       differs},
      {"If-Range twice",
       "9110 5.3",
       strong,
       {"Range: bytes=0-1", "If-Range: \"a\"", "If-Range: \"a\""},
       differs},
      {"If-Range with a star", "9110 13.1.5", strong, {"Range: bytes=0-1", "If-Range: *"}, differs},
      {"If-Range with the date, its Date one second later",
       "9110 8.8.2.2",
       strong,
       {"Range: bytes=0-1", "If-Range: " + date},
       first_two},
      {"If-Range with the date, its Date the same second",
       "9110 8.8.2.2",
       weak,
       {"Range: bytes=0-1", "If-Range: " + date},
       differs},
      {"If-Range with the date in another form",
       "9110 5.6.7",
       strong,
       {"Range: bytes=0-1", "If-Range: Sun Nov  6 08:49:37 1994"},
       first_two},
      {"If-Range with an earlier date",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: Sun, 06 Nov 1994 08:49:36 GMT"},
       differs},
      {"If-Range with a later date: exactly the same is asked for",
       "9110 13.1.5",
       strong,
       {"Range: bytes=0-1", "If-Range: Sun, 06 Nov 1994 08:49:38 GMT"},
       differs},
      {"If-Range with the Date, where no Last-Modified is stored",
       "9110 13.1.5",
       none,
       {"Range: bytes=0-1", "If-Range: " + date},
       differs},
      {"If-Range differs, Range behind the end: whole, no 416",
       "9110 13.2.2",
       strong,
       {"Range: bytes=10-", "If-Range: \"b\""},
       differs},
      {"If-Range is the same, Range behind the end",
       "9110 14.2",
       strong,
       {"Range: bytes=10-", "If-Range: \"a\""},
       NoSuchRange{}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.section);
    std::string lines = std::string(c.method) + " / HTTP/1.1\r\nHost: a";
    for (const std::string& field : c.fields) lines += "\r\n" + field;
    const test::Request request({lines});
    CHECK(decide_range(request.head, c.stored, 10, modified) == c.expected);
  }
  const test::Request suffix({"GET / HTTP/1.1", "Host: a", "Range: bytes=-1"});
  CHECK(decide_range(suffix.head, none, 0, modified) == ignored);
}

TEST_CASE("Content-Range (9110 14.4)") {
  CHECK(format_content_range({42, 1233}, 1234) == "bytes 42-1233/1234");
  CHECK(format_unsatisfied_range(1234) == "bytes */1234");
}

TEST_CASE("a 206 with one range carries what the 200 would (9110 15.3.7)") {
  std::string out = "before\r\n";
  append_partial_fields(
      "ETag: \"a\"\r\nContent-Type: a/b\r\nContent-Digest: x\r\ncontent-md5: x\r\n"
      "Content-Range: x\r\nRepr-Digest: x\r\nContent-Encoding: gzip\r\n",
      out);
  CHECK(out ==
        "before\r\nETag: \"a\"\r\nContent-Type: a/b\r\nRepr-Digest: x\r\nContent-Encoding: "
        "gzip\r\n");
}

/// As it goes out.
std::string render(const Multipart& multipart, const http::ByteRanges& ranges,
                   std::string_view content) {
  std::string body;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    body += multipart.part_heads[i];
    body += content.substr(ranges[i].first, ranges[i].size());
  }
  return body + multipart.end;
}

TEST_CASE("multipart/byteranges (9110 14.6)") {
  const http::ByteRanges ranges{{6, 9}, {0, 1}};
  const Multipart multipart = make_multipart(ranges, 10, "text/plain", "THIS_SEPARATES");
  const std::string body = render(multipart, ranges, "0123456789");
  CHECK(body ==
        "--THIS_SEPARATES\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Range: bytes 6-9/10\r\n"
        "\r\n"
        "6789\r\n"
        "--THIS_SEPARATES\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Range: bytes 0-1/10\r\n"
        "\r\n"
        "01\r\n"
        "--THIS_SEPARATES--\r\n");
  CHECK(multipart.length == body.size());
}

TEST_CASE("parts have no Content-Type where the 200 would have none (9110 15.3.7.2)") {
  const http::ByteRanges ranges{{0, 0}, {9, 9}};
  const Multipart multipart = make_multipart(ranges, 10, "", "b");
  const std::string body = render(multipart, ranges, "0123456789");
  CHECK(body ==
        "--b\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n"
        "--b\r\nContent-Range: bytes 9-9/10\r\n\r\n9\r\n--b--\r\n");
  CHECK(multipart.length == body.size());
}

TEST_CASE("the head of a multipart 206 (9110 15.3.7.2)") {
  const std::string stored =
      "ETag: \"a\"\r\ncontent-type:  a/b; charset=utf-8 \r\nContent-Range: x\r\nVary: c\r\n";
  std::string out;
  append_multipart_fields(stored, "b", out);
  CHECK(out == "ETag: \"a\"\r\nVary: c\r\nContent-Type: multipart/byteranges; boundary=b\r\n");
  CHECK(read_content_type(stored) == "a/b; charset=utf-8");
  CHECK(read_content_type("ETag: \"a\"\r\n") == "");
}

}  // namespace
}  // namespace larder::policy
