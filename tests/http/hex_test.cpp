#include "http/hex.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

TEST_CASE("write_hex: sixteen digits, the highest first") {
  const auto hex_of = [](std::uint64_t number) {
    std::string digits(hex_digits, '?');
    CHECK(write_hex(number, digits.data()) == digits.data() + hex_digits);
    return digits;
  };
  CHECK(hex_of(0) == "0000000000000000");
  CHECK(hex_of(0x0123'4567'89ab'cdef) == "0123456789abcdef");
  CHECK(hex_of(0xfedc'ba98'7654'3210) == "fedcba9876543210");
  CHECK(hex_of(0xf000'0000'0000'000a) == "f00000000000000a");
}

}  // namespace
}  // namespace larder::http
