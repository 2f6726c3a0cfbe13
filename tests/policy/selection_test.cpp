#include "policy/selection.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

constexpr SystemSeconds noon{std::chrono::seconds{1'700'000'000}};

const std::string head_as_sent =
    "Content-Type: text/plain\r\nETag: \"a\"\r\n"
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n";

StoredResponse stored_plain(std::uint16_t status) {
  StoredResponse stored;
  stored.status = status;
  stored.head = head_as_sent;
  stored.content = SharedBytes::copy_of("0123456789");
  stored.response_time = noon;
  return stored;
}

/// 40 bytes that stand for 5000. Selecting looks into neither.
StoredResponse stored_compressed() {
  StoredResponse stored = stored_plain(200);
  stored.content = SharedBytes::copy_of(std::string(40, 'z'));
  stored.decoded_size = 5000;
  stored.coded_head = make_coded_head(stored.head);
  return stored;
}

struct Chosen {
  bool decoded = false;
  bool not_modified = false;
  std::uint64_t length = 0;
  RangeDecision range = WholeContent{};
};

struct Case {
  const char* name;
  const char* section;
  std::vector<std::string> fields;
  Chosen expected;
  const char* method = "GET";
};

void check(const StoredResponse& stored, const Case& c) {
  CAPTURE(c.name);
  CAPTURE(c.section);
  std::string lines = std::string(c.method) + " / HTTP/1.1\r\nHost: a";
  for (const std::string& field : c.fields) lines += "\r\n" + field;
  const test::Request request({lines});
  const Selection selection = select(request.head, stored, noon);
  CHECK(selection.decoded == c.expected.decoded);
  CHECK(selection.not_modified == c.expected.not_modified);
  CHECK(selection.length == c.expected.length);
  CHECK(selection.range == c.expected.range);
}

TEST_CASE("select: of what is stored as it came there is one representation") {
  using Whole = WholeContent::Reason;
  const Case cases[] = {
      {"nothing asked for", "9110 9.3.1", {}, {.length = 10}},
      {"a coding makes no difference", "9110 12.5.3", {"Accept-Encoding: gzip"}, {.length = 10}},
      {"the client has it",
       "9110 13.1.2",
       {"If-None-Match: \"a\""},
       {.not_modified = true, .length = 10}},
      {"the client has another", "9110 13.1.2", {"If-None-Match: \"b\""}, {.length = 10}},
      {"not modified since",
       "9110 13.1.3",
       {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"},
       {.not_modified = true, .length = 10}},
      {"modified since",
       "9110 13.1.3",
       {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT"},
       {.length = 10}},
      {"a part of it",
       "9110 14.2",
       {"Range: bytes=2-4"},
       {.length = 10, .range = OneRange{{2, 4}}}},
      {"two parts of it",
       "9110 14.2",
       {"Range: bytes=0-1,8-9"},
       {.length = 10, .range = SeveralRanges{{{0, 1}, {8, 9}}}}},
      {"a part it has not",
       "9110 15.5.17",
       {"Range: bytes=10-"},
       {.length = 10, .range = NoSuchRange{}}},
      {"HEAD knows no parts",
       "9110 14.2",
       {"Range: bytes=2-4"},
       {.length = 10, .range = WholeContent{Whole::method}},
       "HEAD"},
      {"conditions come before parts",
       "9110 13.2.2",
       {"If-None-Match: \"a\"", "Range: bytes=2-4"},
       {.not_modified = true, .length = 10}},
      {"a part of another",
       "9110 13.1.5",
       {"Range: bytes=2-4", "If-Range: \"b\""},
       {.length = 10, .range = WholeContent{Whole::if_range_differs}}},
  };
  for (const Case& c : cases) check(stored_plain(200), c);
}

TEST_CASE("select: conditions are for success, parts for 200 alone") {
  const Case condition{"a condition", "9110 13.2.1", {"If-None-Match: \"a\""}, {.length = 10}};
  const Case met{
      "a condition", "9110 13.2.1", {"If-None-Match: \"a\""}, {.not_modified = true, .length = 10}};
  const Case part{"a part", "9110 14.2", {"Range: bytes=2-4"}, {.length = 10}};
  for (const std::uint16_t status : {203, 299}) {
    CAPTURE(status);
    check(stored_plain(status), met);
    check(stored_plain(status), part);
  }
  for (const std::uint16_t status : {301, 404, 410, 501}) {
    CAPTURE(status);
    check(stored_plain(status), condition);
    check(stored_plain(status), part);
  }
}

TEST_CASE("select: what is stored compressed has two representations") {
  using Whole = WholeContent::Reason;
  const Chosen coded{.length = 40};
  const Chosen decoded{.decoded = true, .length = 5000};
  const Chosen coded_is_known{.not_modified = true, .length = 40};
  const Chosen decoded_is_known{.decoded = true, .not_modified = true, .length = 5000};
  const std::string of_coded = "If-None-Match: \"a-larder-gzip\"";
  const std::string of_decoded = "If-None-Match: \"a\"";
  const Case cases[] = {
      {"nothing said of codings", "9110 12.5.3", {}, decoded},
      {"gzip is taken", "9110 12.5.3", {"Accept-Encoding: gzip"}, coded},
      {"another coding is", "9110 12.5.3", {"Accept-Encoding: br"}, decoded},
      {"gzip is refused", "9110 12.4.2", {"Accept-Encoding: gzip;q=0"}, decoded},
      {"gzip is less welcome", "9110 12.5.3", {"Accept-Encoding: gzip;q=0.5, identity"}, decoded},
      {"nothing is to be transformed",
       "9111 5.2.1.6",
       {"Accept-Encoding: gzip", "Cache-Control: no-transform"},
       decoded},
      {"the client has the coded one",
       "9110 13.1.2",
       {"Accept-Encoding: gzip", of_coded},
       coded_is_known},
      {"the client has the decoded one", "9110 13.1.2", {of_decoded}, decoded_is_known},
      {"it has the decoded one and takes gzip by now",
       "9110 13.1.2",
       {"Accept-Encoding: gzip", of_decoded},
       decoded_is_known},
      {"it has the decoded one and takes nothing but gzip",
       "9110 12.5.3",
       {"Accept-Encoding: gzip, identity;q=0", of_decoded},
       coded},
      {"it has the coded one and says nothing of codings",
       "9110 12.5.3",
       {of_coded},
       coded_is_known},
      {"it has the coded one and does not take it any more",
       "9110 12.5.3",
       {"Accept-Encoding: br", of_coded},
       decoded},
      {"not modified since counts for both",
       "9110 13.1.3",
       {"Accept-Encoding: gzip", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"},
       coded_is_known},
      {"a part of the decoded one",
       "9110 14.1.2",
       {"Range: bytes=100-101"},
       {.decoded = true, .length = 5000, .range = OneRange{{100, 101}}}},
      {"a part of the coded one",
       "9110 14.1.2",
       {"Accept-Encoding: gzip", "Range: bytes=10-11"},
       {.length = 40, .range = OneRange{{10, 11}}}},
      {"a part that the coded one has not",
       "9110 14.1.2",
       {"Accept-Encoding: gzip", "Range: bytes=100-101"},
       {.length = 40, .range = NoSuchRange{}}},
      {"one more part of the coded one",
       "9110 13.1.5",
       {"Accept-Encoding: gzip", "Range: bytes=10-11", "If-Range: \"a-larder-gzip\""},
       {.length = 40, .range = OneRange{{10, 11}}}},
      {"one more part of the decoded one, of who takes gzip by now",
       "9110 13.1.5",
       {"Accept-Encoding: gzip", "Range: bytes=100-101", "If-Range: \"a\""},
       {.decoded = true, .length = 5000, .range = OneRange{{100, 101}}}},
      {"one more part of the decoded one, of who takes nothing but gzip",
       "9110 13.1.5",
       {"Accept-Encoding: gzip, identity;q=0", "Range: bytes=10-11", "If-Range: \"a\""},
       {.length = 40, .range = WholeContent{Whole::if_range_differs}}},
      {"one more part of neither",
       "9110 13.1.5",
       {"Accept-Encoding: gzip", "Range: bytes=10-11", "If-Range: \"b\""},
       {.length = 40, .range = WholeContent{Whole::if_range_differs}}},
  };
  for (const Case& c : cases) check(stored_compressed(), c);
}

TEST_CASE("head_of: the head goes with the representation") {
  const test::Request plain({"GET / HTTP/1.1", "Host: a"});
  const test::Request gzip({"GET / HTTP/1.1", "Host: a", "Accept-Encoding: gzip"});
  const StoredResponse as_it_came = stored_plain(200);
  CHECK(head_of(select(gzip.head, as_it_came, noon), as_it_came) == as_it_came.head);
  const StoredResponse compressed = stored_compressed();
  CHECK(head_of(select(gzip.head, compressed, noon), compressed) == compressed.coded_head);
  CHECK(head_of(select(plain.head, compressed, noon), compressed) ==
        make_decoded_head(compressed.head));
}

TEST_CASE("varies_by_coding: what is going to be kept compressed") {
  const StoredResponse text = stored_plain(200);
  StoredResponse picture = text;
  picture.head = "Content-Type: image/png\r\n";
  const CompressionRule on;
  const CompressionRule off{.is_on = false};
  CHECK(varies_by_coding(text, 1024, on));
  CHECK_FALSE(varies_by_coding(text, 1023, on));
  CHECK_FALSE(varies_by_coding(text, std::nullopt, on));
  CHECK_FALSE(varies_by_coding(text, 1024, off));
  CHECK_FALSE(varies_by_coding(picture, 1024, on));
}

}  // namespace
}  // namespace larder::policy
