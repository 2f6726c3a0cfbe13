#include "store/codec.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>

#include <doctest/doctest.h>

#include "policy/compression.hpp"
#include "store/xxh3.hpp"

namespace larder::store {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view example_key = "GET https://example.org/api/models/?page=2 \xc3\xa9";

policy::StoredResponse example() {
  policy::StoredResponse response;
  response.status = 200;
  response.head = "Content-Type: application/json\r\nVary: Accept\r\n";
  response.content = policy::SharedBytes::copy_of(std::string_view("[{\"id\": 1}]\r\n\0end", 17));
  response.response_time = policy::SystemSeconds(1'790'000'000s);
  response.initial_age = 7s;
  response.lifetime = 600s;
  response.terms = {.validate_always = false,
                    .never_stale = true,
                    .for_credentials = true,
                    .stale_while_revalidate = 30s,
                    .stale_if_error = std::nullopt};
  response.etag = "W/\"v1\"";
  response.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  response.vary = {"accept", "accept-language"};
  response.tags = {"k:models"};
  response.decoded_size = 4711;
  return response;
}

const Stamps example_stamps = {0x0123456789abcdef, 1, 0xffffffffffffffff, 42, 99};

std::string encode_example() {
  return encode_head(example_key, example(), example_stamps, 3600s).value();
}

/// With its checksum made true again, so that what is behind the checksum is tried too.
std::string signed_again(std::string record) {
  record.resize(record.size() - 8);
  std::uint64_t checksum = xxh3(record);
  for (int byte = 0; byte < 8; ++byte, checksum >>= 8)
    record.push_back(static_cast<char>(checksum & 0xff));
  return record;
}

std::string read_golden(const std::string& name) {
  std::ifstream file(std::string(LARDER_GOLDEN) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_is_example(const std::optional<HeadRecord>& head) {
  REQUIRE(head);
  const policy::StoredResponse expected = example();
  CHECK(head->response->status == expected.status);
  CHECK(head->response->head == expected.head);
  CHECK(head->response->response_time == expected.response_time);
  CHECK(head->response->initial_age == expected.initial_age);
  CHECK(head->response->lifetime == expected.lifetime);
  CHECK(head->response->terms == expected.terms);
  CHECK(head->response->etag == expected.etag);
  CHECK(head->response->last_modified == expected.last_modified);
  CHECK(head->response->has_own_etag == expected.has_own_etag);
  CHECK(head->response->vary == expected.vary);
  CHECK(head->response->tags == expected.tags);
  CHECK(head->response->decoded_size == expected.decoded_size);
  CHECK(head->response->coded_head == policy::make_coded_head(expected.head));
  CHECK(head->stamps == example_stamps);
  CHECK(head->lifetime == 3600s);
  CHECK(is_content_of(*head, expected.content.view()));
}

TEST_CASE("codec: what was encoded is decoded") {
  check_is_example(decode_head(example_key, encode_example()));

  policy::StoredResponse bare;
  const std::optional<std::string> record = encode_head("", bare, {}, 1s);
  const std::optional<HeadRecord> head = decode_head("", record.value());
  REQUIRE(head);
  CHECK(head->response->head.empty());
  CHECK(head->stamps.empty());
  CHECK(is_content_of(*head, ""));
}

TEST_CASE("codec: there is room behind a response for its content") {
  const std::string content(1'000, 'x');
  std::optional<HeadRecord> head = decode_head(example_key, encode_example(), content.size());
  REQUIRE(head);
  head->response->content = policy::SharedBytes::lend(head->room.put(content));
  CHECK(head->response->content.view() == content);
  CHECK(head->response->tags == policy::Tags{"k:models"});
  // It is the response's, and a copy has its own.
  const policy::StoredResponse copy = *head->response;
  head.reset();
  CHECK(copy.content.view() == content);
}

TEST_CASE("codec: version 2 is frozen") {
  const std::string golden = read_golden("codec-2-head.bin");
  REQUIRE_FALSE(golden.empty());
  check_is_example(decode_head(example_key, golden));
  CHECK(encode_example() == golden);
  CHECK(read_golden("codec-2-content.bin") == example().content.view());
}

TEST_CASE("codec: a record cut at any length is nothing") {
  const std::string record = encode_example();
  for (std::size_t length = 0; length < record.size(); ++length) {
    CAPTURE(length);
    const std::string cut = record.substr(0, length);
    CHECK_FALSE(decode_head(example_key, cut));
    if (length >= 8) CHECK_FALSE(decode_head(example_key, signed_again(cut)));
  }
}

TEST_CASE("codec: a record with one bit flipped is nothing") {
  const std::string record = encode_example();
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    CAPTURE(bit);
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(decode_head(example_key, flipped));
  }
}

TEST_CASE("codec: a content with one bit flipped, cut or longer is not its content") {
  const HeadRecord head = decode_head(example_key, encode_example()).value();
  const std::string content(example().content.view());
  for (std::size_t bit = 0; bit < content.size() * 8; ++bit) {
    std::string flipped = content;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(is_content_of(head, flipped));
  }
  for (std::size_t length = 0; length < content.size(); ++length)
    CHECK_FALSE(is_content_of(head, std::string_view(content).substr(0, length)));
  CHECK_FALSE(is_content_of(head, content + "x"));
  CHECK(is_content_of(head, content));
}

TEST_CASE("codec: another key's value is nothing") {
  const std::string record = encode_example();
  for (const std::string_view key : {"", "GET https://example.org/api/models/?page=3 \xc3\xa9"})
    CHECK_FALSE(decode_head(key, record));
  CHECK_FALSE(decode_head(example_key.substr(1), record));
  CHECK_FALSE(decode_head(std::string(example_key) + " ", record));
}

TEST_CASE("codec: what has a true checksum and makes no sense is nothing") {
  struct Case {
    const char* name;
    std::size_t offset;
    std::string bytes;
  };
  const Case cases[] = {
      {"another magic", 0, "LRDX"},
      {"version 1", 4, std::string("\x01\x00", 2)},
      {"version 3", 4, std::string("\x03\x00", 2)},
      {"version 0", 4, std::string("\x00\x00", 2)},
      {"status 0", 6, std::string("\x00\x00", 2)},
      {"status 199", 6, std::string("\xc7\x00", 2)},
      {"status 600", 6, std::string("\x58\x02", 2)},
      {"a time before 1970", 8, std::string(8, '\xff')},
      {"a time beyond all dates", 8, std::string("\0\0\0\0\0\0\0\x7f", 8)},
      {"a negative age", 16, std::string(8, '\xff')},
      {"no lifetime", 24, std::string(8, '\0')},
      {"a negative freshness", 32, std::string(8, '\xff')},
      {"unknown flags", 40, std::string("\x10\x00", 2)},
      {"a bound below none", 42, std::string("\xfe") + std::string(7, '\xff')},
      {"a decoded size beyond bounds", 66, std::string(8, '\xff')},
      {"a key of 4 GiB", 82, std::string(4, '\xff')},
      {"a head of 4 GiB", 86 + example_key.size(), std::string(4, '\xff')},
      {"NUL in the head", 90 + example_key.size(), std::string(1, '\0')},
      {"an empty line in the head", 90 + example_key.size(), "\r\n"},
      {"a bare LF in the head", 92 + example_key.size(), "\n"},
      {"a bare CR in the head", 92 + example_key.size(), "\r"},
      {"a line without colon", 90 + example_key.size() + 12, "x"},
      {"a line without name", 90 + example_key.size(), ":"},
  };
  const std::string record = encode_example();
  check_is_example(decode_head(example_key, signed_again(record)));
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::string changed = record;
    changed.replace(c.offset, c.bytes.size(), c.bytes);
    CHECK_FALSE(decode_head(example_key, signed_again(changed)));
  }
  // Something behind the end, checksum and all.
  CHECK_FALSE(decode_head(
      example_key, signed_again(record.substr(0, record.size() - 8) + "x" + std::string(8, '\0'))));
}

TEST_CASE("codec: with a true checksum, any byte changed decodes as it reads or not at all") {
  const std::string record = encode_example();
  for (std::size_t offset = 0; offset < record.size() - 8; ++offset) {
    for (const char byte : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
      if (record[offset] == byte) continue;
      std::string changed = record;
      changed[offset] = byte;
      changed = signed_again(changed);
      const std::optional<HeadRecord> head = decode_head(example_key, changed);
      if (!head) continue;
      // It says what it says: encoding that again gives the same bytes, but for the content's.
      std::optional<std::string> again =
          encode_head(example_key, *head->response, head->stamps, head->lifetime);
      REQUIRE(again);
      again->replace(58, 8, changed, 58, 8);
      again->replace(74, 8, changed, 74, 8);
      CHECK(signed_again(*again) == changed);
    }
  }
}

TEST_CASE("codec: what is too long for the format is not encoded") {
  CHECK_FALSE(encode_head(std::string((64 << 10) + 1, 'k'), example(), {}, 1s));
  CHECK(encode_head(std::string(64 << 10, 'k'), example(), {}, 1s));
  policy::StoredResponse response = example();
  response.vary = {std::string(65'536, 'v')};
  CHECK_FALSE(encode_head("k", response, {}, 1s));
  response = example();
  response.head = "A: " + std::string(1 << 20, 'x') + "\r\n";
  CHECK_FALSE(encode_head("k", response, {}, 1s));
}

}  // namespace
}  // namespace larder::store
