#include "session/content_digest.hpp"

#include <variant>

#include <doctest/doctest.h>

#include "coding/gzip.hpp"

namespace larder::session {
namespace {

std::string in_gzip(std::string_view content) {
  coding::GzipCompressor gzip;
  const coding::CodingResult coded = gzip.compress(content, content.size() + 1024);
  return std::string(std::get<policy::SharedBytes>(coded).view());
}

std::optional<std::uint64_t> digest(std::uint16_t status, std::string_view type,
                                    std::string_view coding, std::string_view content) {
  ContentDigest digest;
  digest.take_head(status, type, coding);
  digest.take_content(content.substr(0, content.size() / 2));
  digest.take_content(content.substr(content.size() / 2));
  return digest.value();
}

TEST_CASE("ContentDigest: status, type and content count, the coding does not") {
  const std::optional<std::uint64_t> plain = digest(200, "text/plain", "", "hello");
  REQUIRE(plain);
  CHECK(digest(200, "text/plain", "identity", "hello") == plain);
  CHECK(digest(200, "text/plain", "gzip", in_gzip("hello")) == plain);
  CHECK(digest(404, "text/plain", "", "hello") != plain);
  CHECK(digest(200, "text/html", "", "hello") != plain);
  CHECK(digest(200, "text/plain", "", "hallo") != plain);
  CHECK_FALSE(digest(200, "text/plain", "br", "hello"));
  CHECK_FALSE(digest(200, "text/plain", "gzip", "hello"));
  const std::string large(ContentDigest::most_decoded + 1, 'x');
  CHECK(digest(200, "text/plain", "", large));
  CHECK_FALSE(digest(200, "text/plain", "gzip", in_gzip(large)));
}

TEST_CASE("digest_of: what is stored is what came, coded here or not") {
  policy::StoredResponse stored;
  stored.head = policy::Text("Content-Type: text/plain\r\n");
  stored.content = policy::SharedBytes::copy_of("hello");
  CHECK(digest_of(stored) == digest(200, "text/plain", "", "hello"));
  stored.decoded_size = stored.content.size;
  stored.content = policy::SharedBytes::copy_of(in_gzip("hello"));
  CHECK(digest_of(stored) == digest(200, "text/plain", "", "hello"));
  stored.decoded_size = 0;
  stored.head = policy::Text("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n");
  CHECK(digest_of(stored) == digest(200, "text/plain", "", "hello"));
}

}  // namespace
}  // namespace larder::session
