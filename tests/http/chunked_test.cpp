// Chunked: every case is decoded whole, in two parts at every place, and byte by byte.
#include "http/chunked.hpp"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

using namespace std::string_literals;
using Kind = ChunkedDecoder::Kind;

struct Decoded {
  Kind kind = Kind::need_more;
  std::string data;
  std::string trailers;
  std::string reason;
  std::size_t consumed = 0;
  bool operator==(const Decoded&) const = default;
};

/// Gives the decoder the bytes up to each cut, and then all of them, always from what is left over.
Decoded decode(std::string_view bytes, const std::vector<std::size_t>& cuts,
               const ChunkLimits& limits) {
  ChunkedDecoder decoder(limits);
  Decoded result;
  std::vector<std::size_t> ends = cuts;
  ends.push_back(bytes.size());
  for (const std::size_t end : ends) {
    while (true) {
      const std::size_t size = end - result.consumed;
      const auto room = std::make_unique<char[]>(size);
      std::memcpy(room.get(), bytes.data() + result.consumed, size);
      const ChunkedDecoder::Step step = decoder.next({room.get(), size});
      REQUIRE(step.consumed <= size);
      result.kind = step.kind;
      if (step.kind == Kind::data) {
        REQUIRE(!step.data.empty());
        REQUIRE(step.data.data() >= room.get());
        REQUIRE(step.data.data() + step.data.size() <= room.get() + step.consumed);
        result.data += step.data;
      }
      result.consumed += step.consumed;
      if (step.kind == Kind::data) continue;
      if (step.kind == Kind::need_more) break;
      result.trailers = decoder.trailers();
      result.reason = step.reason;
      CHECK(decoder.next("more").kind == step.kind);
      CHECK(decoder.next("more").consumed == 0);
      return result;
    }
  }
  return result;
}

Decoded decode_every_way(std::string_view bytes, const ChunkLimits& limits = {}) {
  const Decoded whole = decode(bytes, {}, limits);
  std::vector<std::size_t> all;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    all.push_back(cut);
    CAPTURE(cut);
    CHECK(decode(bytes, {cut}, limits) == whole);
  }
  CHECK(decode(bytes, all, limits) == whole);
  return whole;
}

TEST_CASE("chunked bodies taken (9112 7.1)") {
  struct Case {
    std::string_view name;
    std::string bytes;
    std::string data;
    std::string trailers;
    std::string behind;
  };
  const Case cases[] = {
      {"no chunk", "0\r\n\r\n", "", "", ""},
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", "", ""},
      {"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", "", ""},
      {"a size in hex of either case", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
       "01234567890123456789a", "", ""},
      {"leading zeros", "0000000000000002\r\nab\r\n000\r\n\r\n", "ab", "", ""},
      {"data that looks like a chunk", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", "", ""},
      {"data of any byte", "4\r\n\0\r\n\xff\r\n0\r\n\r\n"s, "\0\r\n\xff"s, "", ""},
      {"an extension", "1;a=b\r\nx\r\n0;c\r\n\r\n", "x", "", ""},
      {"an extension in quotes with any visible byte", "1;a=\"; 5\t\xe9\"\r\nx\r\n0\r\n\r\n", "x",
       "", ""},
      {"whitespace inside an extension", "1;a = b\r\nx\r\n0\r\n\r\n", "x", "", ""},
      {"a trailer", "0\r\nX: y\r\n\r\n", "", "X: y\r\n", ""},
      {"two trailers", "1\r\nx\r\n0\r\nA: b\r\nC:d\r\n\r\n", "x", "A: b\r\nC:d\r\n", ""},
      {"a trailer of a name that must not come: kept apart, never in the head (9110 6.5.1)",
       "0\r\nHost: b\r\nContent-Length: 5\r\n\r\n", "", "Host: b\r\nContent-Length: 5\r\n", ""},
      {"the next request behind", "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "x", "",
       "GET / HTTP/1.1\r\n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Decoded decoded = decode_every_way(c.bytes);
    CHECK_MESSAGE(decoded.kind == Kind::end, decoded.reason);
    CHECK(decoded.data == c.data);
    CHECK(decoded.trailers == c.trailers);
    CHECK(c.bytes.substr(decoded.consumed) == c.behind);
  }
}

TEST_CASE("chunked bodies refused (9112 7.1)") {
  struct Case {
    std::string_view name;
    std::string bytes;
    std::string reason;  ///< a part of it
  };
  const Case cases[] = {
      {"nothing before CRLF", "\r\n", "no size"},
      {"a sign", "+5\r\nhello\r\n", "no size"},
      {"a minus", "-5\r\nhello\r\n", "no size"},
      {"a space in front", " 5\r\nhello\r\n", "no size"},
      {"a tab in front", "\t5\r\nhello\r\n", "no size"},
      {"0x", "0x5\r\nhello\r\n", "not followed by"},
      {"a space behind the size", "5 \r\nhello\r\n", "not followed by"},
      {"a tab behind the size", "5\t\r\nhello\r\n", "not followed by"},
      {"a space before the extension", "5 ;a\r\nhello\r\n", "not followed by"},
      {"a letter behind", "5g\r\nhello\r\n", "not followed by"},
      {"an underscore", "1_0\r\n", "not followed by"},
      {"a point", "5.0\r\n", "not followed by"},
      {"a comma", "5,5\r\n", "not followed by"},
      {"a quote", "\"5\"\r\n", "no size"},
      {"NUL behind the size", "5\0\r\nhello\r\n"s, "not followed by"},
      {"seventeen digits", "00000000000000005\r\nhello\r\n", "too many digits"},
      {"seventeen digits of overflow", "10000000000000005\r\nhello\r\n", "too many digits"},
      {"2^63", "8000000000000000\r\n", "too large"},
      {"2^64-1", "ffffffffffffffff\r\n", "too large"},
      {"LF behind the size", "5\nhello\r\n0\r\n\r\n", "not followed by"},
      {"CR alone behind the size", "5\rhello\r\n", "not end in CRLF"},
      {"LF in an extension: TERM.EXT", "5;\nhello\r\n0\r\n\r\n", "control character"},
      {"CR in an extension: EXT.TERM", "5;a\rX\r\nhello\r\n", "not end in CRLF"},
      {"NUL in an extension", "5;a\0\r\nhello\r\n"s, "control character"},
      {"data longer than its size", "4\r\nhello\r\n0\r\n\r\n", "size and its data differ"},
      {"data shorter than its size", "6\r\nhello\r\n0\r\n\r\n", "size and its data differ"},
      {"data without CRLF behind: SPILL", "5\r\nhello0\r\n\r\n", "size and its data differ"},
      {"data with two bytes instead of CRLF", "5\r\nhelloXX0\r\n\r\n", "size and its data differ"},
      {"LF behind data", "5\r\nhello\n0\r\n\r\n", "size and its data differ"},
      {"CR and another byte behind data", "5\r\nhello\rX0\r\n\r\n", "not end in CRLF"},
      {"LF behind the last size", "0\n\n", "not followed by"},
      {"LF for the last line", "0\r\n\n", "bare line feed"},
      {"a request smuggled as trailers", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "field name"},
      {"a trailer without colon", "0\r\nX\r\n\r\n", "field name"},
      {"a trailer without name", "0\r\n: y\r\n\r\n", "field name"},
      {"a trailer with a space before the colon", "0\r\nX : y\r\n\r\n", "before a field's colon"},
      {"a folded trailer", "0\r\nX: y\r\n z\r\n\r\n", "begins with whitespace"},
      {"a trailer that ends in LF", "0\r\nX: y\n\r\n", "bare line feed"},
      {"a trailer with CR", "0\r\nX: y\rZ: q\r\n\r\n", "bare carriage return"},
      {"a trailer with NUL", "0\r\nX: \0\r\n\r\n"s, "NUL"},
      {"a trailer with a control character", "0\r\nX: \x01\r\n\r\n", "control character"},
      {"CR and another byte at the end", "0\r\n\rX", "does not end in CRLF"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Decoded decoded = decode_every_way(c.bytes);
    CHECK(decoded.kind == Kind::refused);
    CHECK_MESSAGE(decoded.reason.find(c.reason) != std::string::npos, decoded.reason);
  }
}

TEST_CASE("chunked bodies that have not ended wait") {
  const std::string bytes = "5;a\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const Decoded decoded = decode(std::string_view(bytes).substr(0, size), {}, {});
    CHECK(decoded.kind == Kind::need_more);
    CHECK(decoded.consumed == size);
  }
}

TEST_CASE("the largest chunk is taken") {
  ChunkedDecoder decoder;
  CHECK(decoder.next("7fffffffffffffff\r\n").kind == Kind::need_more);
  const ChunkedDecoder::Step step = decoder.next("abc");
  CHECK(step.kind == Kind::data);
  CHECK(step.data == "abc");
}

TEST_CASE("extensions and trailers are bounded, each with its pair") {
  ChunkLimits limits{.extension_bytes = 6, .trailer_bytes = 12, .trailer_fields = 2};
  const auto kind = [&](std::string_view bytes) { return decode_every_way(bytes, limits).kind; };
  CHECK(kind("1;ab\r\nx\r\n0;cd\r\n\r\n") == Kind::end);
  CHECK(kind("1;ab\r\nx\r\n0;cde\r\n\r\n") == Kind::refused);
  CHECK(kind("0;abcde\r\n\r\n") == Kind::end);
  CHECK(kind("0;abcdef\r\n\r\n") == Kind::refused);
  CHECK(kind("0\r\nA: b\r\nC: d\r\n\r\n") == Kind::end);
  CHECK(kind("0\r\nA: bc\r\nC: d\r\n\r\n") == Kind::refused);
  limits.trailer_bytes = 100;
  CHECK(kind("0\r\nA: b\r\nC: d\r\n\r\n") == Kind::end);
  CHECK(kind("0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n") == Kind::refused);
  // A line that never ends is refused at the limit, not kept.
  ChunkedDecoder decoder(limits);
  CHECK(decoder.next("0\r\nA: " + std::string(1000, 'b')).kind == Kind::refused);
  CHECK(decoder.trailers().size() == limits.trailer_bytes);
}

TEST_CASE("format_chunk_size") {
  char room[20];
  CHECK(format_chunk_size(0, room) == "0\r\n");
  CHECK(format_chunk_size(500, room) == "1f4\r\n");
  CHECK(format_chunk_size(16, room) == "10\r\n");
  CHECK(format_chunk_size(0xffffffffffffffff, room) == "ffffffffffffffff\r\n");
}

TEST_CASE("what is encoded is decoded as itself, however it is cut (seeded)") {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string data;
    std::string bytes;
    char room[20];
    for (unsigned chunks = random() % 5; chunks != 0; --chunks) {
      std::string chunk(random() % 40 + 1, '\0');
      for (char& c : chunk) c = static_cast<char>(random());
      data += chunk;
      bytes.append(format_chunk_size(chunk.size(), room)).append(chunk).append("\r\n");
    }
    bytes += "0\r\n\r\n";
    std::vector<std::size_t> cuts;
    for (std::size_t cut = random() % 9 + 1; cut < bytes.size(); cut += random() % 9 + 1)
      cuts.push_back(cut);
    const Decoded decoded = decode(bytes, cuts, {});
    CHECK(decoded.kind == Kind::end);
    CHECK(decoded.data == data);
    CHECK(decoded.consumed == bytes.size());
  }
}

}  // namespace
}  // namespace larder::http
