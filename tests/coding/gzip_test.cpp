#include "coding/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::coding {
namespace {

constexpr std::size_t no_limit = 64 << 20;

std::string text_of(const CodingResult& result) {
  const auto* bytes = std::get_if<policy::SharedBytes>(&result);
  REQUIRE_MESSAGE(bytes != nullptr, static_cast<int>(std::get<CodingError>(result)));
  return std::string(bytes->view());
}

CodingError error_of(const CodingResult& result) {
  const auto* error = std::get_if<CodingError>(&result);
  return error == nullptr ? CodingError::none : *error;
}

std::string gzip(std::string_view content) {
  GzipCompressor compressor;
  return text_of(compressor.compress(content, no_limit));
}

/// Rows such as lists have; `noise` per cent of the bytes are random.
std::string make_body(std::mt19937& random, std::size_t size, unsigned noise) {
  std::string body;
  while (body.size() < size)
    body += R"({"id":)" + std::to_string(random() % 1000) + R"(,"a":"b"},)";
  body.resize(size);
  for (char& c : body) {
    if (random() % 100 < noise) c = static_cast<char>(random());
  }
  return body;
}

std::string decoded_in_steps(std::string_view coded, std::size_t step) {
  GzipDecompressor decompressor(coded);
  std::string result;
  std::vector<char> room(step);
  while (true) {
    const GzipDecompressor::Piece piece = decompressor.next(room);
    REQUIRE(piece.error == CodingError::none);
    result.append(room.data(), piece.size);
    if (piece.is_end) return result;
    REQUIRE(piece.size == step);
  }
}

TEST_CASE("what was compressed is given back, whole or in steps, whatever its size") {
  std::mt19937 random(1);
  GzipCompressor compressor;  // used again for all of them
  for (const std::size_t size : {0, 1, 2, 17, 18, 1023, 1024, 4096, 32767, 32768, 65536, 300000}) {
    for (const unsigned noise : {0U, 5U, 100U}) {
      CAPTURE(size);
      CAPTURE(noise);
      const std::string body = make_body(random, size, noise);
      const std::string coded = text_of(compressor.compress(body, no_limit));
      CHECK(claimed_gzip_size(coded) == size);
      CHECK(text_of(decompress_gzip(coded, size)) == body);  // the limit is just enough
      CHECK(decoded_in_steps(coded, 1 + size / 3) == body);
      CHECK(decoded_in_steps(coded, size + 1) == body);
      if (size > 0) CHECK(decoded_in_steps(coded, size) == body);
      if (size < 5000) CHECK(decoded_in_steps(coded, 1) == body);
    }
  }
}

TEST_CASE("compressing in pieces gives the same content") {
  std::mt19937 random(2);
  const std::string body = make_body(random, 200000, 10);
  GzipCompressor compressor;
  for (const std::size_t step : {1000, 65536, 199999, 200000}) {
    compressor.start(no_limit);
    for (std::size_t at = 0; at < body.size(); at += step)
      REQUIRE(compressor.append(std::string_view(body).substr(at, step)) == CodingError::none);
    CHECK(text_of(decompress_gzip(text_of(compressor.finish()), body.size())) == body);
  }
  compressor.start(no_limit);
  CHECK(text_of(decompress_gzip(text_of(compressor.finish()), 0)).empty());
}

TEST_CASE("the size of what is compressed is bounded to the byte") {
  std::mt19937 random(3);
  for (const std::size_t size : {0, 1, 1024, 100000}) {
    CAPTURE(size);
    const std::string body = make_body(random, size, 50);
    GzipCompressor compressor;
    const std::size_t exact = text_of(compressor.compress(body, no_limit)).size();
    CHECK(text_of(compressor.compress(body, exact)).size() == exact);
    CHECK(error_of(compressor.compress(body, exact - 1)) == CodingError::too_large);
    CHECK(error_of(compressor.compress(body, 0)) == CodingError::too_large);

    compressor.start(exact);
    CHECK(compressor.append(body) == CodingError::none);
    CHECK(text_of(compressor.finish()).size() == exact);
    compressor.start(exact - 1);
    (void)compressor.append(body);
    CHECK(error_of(compressor.finish()) == CodingError::too_large);
    // What went before leaves no trace.
    CHECK(text_of(decompress_gzip(text_of(compressor.compress(body, exact)), size)) == body);
  }
}

TEST_CASE("a compressor that was not started, or has failed or finished, only refuses") {
  GzipCompressor compressor;
  CHECK(compressor.append("a") == CodingError::too_large);
  compressor.start(100);
  CHECK(error_of(compressor.finish()) == CodingError::none);
  CHECK(error_of(compressor.finish()) == CodingError::too_large);
  compressor.start(1);
  CHECK(compressor.append("a") == CodingError::too_large);
  CHECK(compressor.append("a") == CodingError::too_large);
}

TEST_CASE("what decodes to more than the limit is refused") {
  const std::string bomb = gzip(std::string(8 << 20, '\0'));
  REQUIRE(bomb.size() < 10000);
  CHECK(text_of(decompress_gzip(bomb, 8 << 20)).size() == 8 << 20);
  CHECK(error_of(decompress_gzip(bomb, (8 << 20) - 1)) == CodingError::too_large);
  CHECK(error_of(decompress_gzip(bomb, 0)) == CodingError::too_large);

  SUBCASE("also when it claims to be small") {
    std::string liar = bomb;
    for (std::size_t i = 1; i <= 4; ++i) liar[liar.size() - i] = 0;
    CHECK(error_of(decompress_gzip(liar, 100000)) == CodingError::too_large);
    CHECK(error_of(decompress_gzip(liar, 0)) == CodingError::too_large);
    CHECK(error_of(decompress_gzip(liar, no_limit)) == CodingError::malformed);
  }
  SUBCASE("also when it only claims to") {
    std::string liar = gzip("small");
    for (std::size_t i = 1; i <= 4; ++i) liar[liar.size() - i] = '\xff';
    CHECK(error_of(decompress_gzip(liar, 100)) == CodingError::too_large);
  }
  SUBCASE("also when its last member is a small one") {
    CHECK(error_of(decompress_gzip(bomb + gzip("end"), 100000)) == CodingError::too_large);
  }
  SUBCASE("in steps it takes no more than the room it is given") {
    GzipDecompressor decompressor(bomb);
    std::vector<char> room(1000);
    const GzipDecompressor::Piece piece = decompressor.next(room);
    CHECK(piece.size == 1000);
    CHECK_FALSE(piece.is_end);
    CHECK(piece.error == CodingError::none);
  }
}

TEST_CASE("several members are one body (RFC 1952 2.2)") {
  const std::string coded = gzip("first ") + gzip("") + gzip("and second") + gzip("");
  CHECK(text_of(decompress_gzip(coded, 16)) == "first and second");
  CHECK(error_of(decompress_gzip(coded, 15)) == CodingError::too_large);
  CHECK(decoded_in_steps(coded, 1) == "first and second");
}

TEST_CASE("coded content that is cut anywhere is refused") {
  std::mt19937 random(4);
  const std::string body = make_body(random, 3000, 5);
  const std::string coded = gzip(body);
  for (std::size_t size = 0; size < coded.size(); ++size) {
    CAPTURE(size);
    const std::string_view cut = std::string_view(coded).substr(0, size);
    // By chance the last bytes of a cut one may claim more than the limit.
    const CodingError error = error_of(decompress_gzip(cut, body.size()));
    CHECK((error == CodingError::truncated || error == CodingError::too_large));

    GzipDecompressor decompressor(cut);
    std::string room(body.size() + 1, ' ');
    CHECK(decompressor.next(room).error == CodingError::truncated);
    CHECK(decompressor.next(room).error == CodingError::truncated);
  }
}

TEST_CASE("one bit wrong in coded content never gives other content") {
  std::mt19937 random(5);
  const std::string body = make_body(random, 1500, 5);
  const std::string coded = gzip(body);
  // RFC 1952 2.3.1: time, extra flags, operating system; and of the flags "this is text". What
  // fills up the last byte before the trailer means nothing either.
  const auto means_nothing = [&](std::size_t byte, unsigned bit) {
    return (byte >= 4 && byte <= 9) || (byte == 3 && bit == 0) || byte == coded.size() - 9;
  };
  for (std::size_t byte = 0; byte < coded.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      CAPTURE(byte);
      CAPTURE(bit);
      std::string wrong = coded;
      wrong[byte] = static_cast<char>(wrong[byte] ^ (1U << bit));
      const CodingResult result = decompress_gzip(wrong, body.size() * 2);
      if (error_of(result) == CodingError::none) {
        CHECK(means_nothing(byte, bit));
        CHECK(text_of(result) == body);
      }
    }
  }
}

TEST_CASE("what is no gzip is refused") {
  CHECK(error_of(decompress_gzip("", 100)) == CodingError::truncated);
  CHECK(error_of(decompress_gzip("{}", 100)) == CodingError::malformed);
  CHECK(error_of(decompress_gzip(std::string(100, '\0'), 100)) == CodingError::malformed);
  CHECK(error_of(decompress_gzip(gzip("body") + '\0', 1 << 30)) != CodingError::none);
  std::string zlib_format(100, ' ');
  uLongf size = zlib_format.size();
  REQUIRE(compress(reinterpret_cast<Bytef*>(zlib_format.data()), &size,
                   reinterpret_cast<const Bytef*>("body"), 4) == Z_OK);
  GzipDecompressor deflated(std::string_view(zlib_format).substr(0, size));
  std::string room(100, ' ');
  CHECK(deflated.next(room).error == CodingError::malformed);
}

TEST_CASE("the size that is claimed") {
  CHECK_FALSE(claimed_gzip_size("").has_value());
  CHECK_FALSE(claimed_gzip_size(std::string(17, 'a')).has_value());
  CHECK(claimed_gzip_size(std::string(14, 'a') + std::string("\1\2\3\4", 4)) == 0x04030201);
}

}  // namespace
}  // namespace larder::coding
