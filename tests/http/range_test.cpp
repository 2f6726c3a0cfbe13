#include "http/range.hpp"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

TEST_CASE("parse_ranges: what is asked for (9110 14.1.1)") {
  struct Case {
    std::string_view value;
    RangeSet expected;
  };
  const Case cases[] = {
      {"bytes=0-499", {{0, 499}}},
      {"bytes=9500-", {{9500, {}}}},
      {"bytes=-500", {{{}, 500}}},
      {"bytes=-0", {{{}, 0}}},
      {"bytes=0-0,-1", {{0, 0}, {{}, 1}}},
      {"BYTES=5-5", {{5, 5}}},
      {"bytes= 0-1 ,\t2-3 , -1", {{0, 1}, {2, 3}, {{}, 1}}},
      {"bytes=,0-1,,2-3,", {{0, 1}, {2, 3}}},
      {"bytes=007-008", {{7, 8}}},
      {"bytes=0-18446744073709551614", {{0, largest - 1}}},
      {"bytes=0-18446744073709551615", {{0, largest}}},
      {"bytes=0-18446744073709551616", {{0, largest}}},
      {"bytes=99999999999999999999999-", {{largest, {}}}},
      {"bytes=-99999999999999999999999", {{{}, largest}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    const std::optional<RangeSet> found = parse_ranges(c.value);
    REQUIRE(found);
    CHECK(*found == c.expected);
  }
}

TEST_CASE("parse_ranges: what is ignored (9110 14.2)") {
  for (const std::string_view value : {"",
                                       "bytes",
                                       "bytes=",
                                       "bytes=,",
                                       "bytes=-",
                                       "bytes=a-b",
                                       "bytes=1",
                                       "bytes=1-a",
                                       "bytes=a-1",
                                       "bytes=5-4",
                                       "bytes=0-1,5-4",
                                       "bytes=99999999999999999999-5",
                                       "bytes=0-1-2",
                                       "bytes=--1",
                                       "bytes=+1-2",
                                       "bytes=0x1-2",
                                       "bytes=1.5-2",
                                       "bytes=0 -1",
                                       "bytes=0- 1",
                                       "bytes =0-1",
                                       " bytes=0-1",
                                       "bytes:0-1",
                                       "0-1",
                                       "=0-1",
                                       "items=0-1",
                                       "bytes=0-1;2-3",
                                       "bytes=0-1 2-3",
                                       "bytes=0-1, bytes=2-3",
                                       "seconds=1-2"}) {
    CAPTURE(value);
    CHECK(!parse_ranges(value));
  }
}

TEST_CASE("parse_ranges: no more than maximum_ranges (9110 17.15)") {
  std::string value = "bytes=";
  for (std::size_t i = 0; i < maximum_ranges; ++i)
    value += std::to_string(i * 2) + "-" + std::to_string(i * 2) + ",";
  REQUIRE(parse_ranges(value));
  CHECK(parse_ranges(value)->size() == maximum_ranges);
  CHECK(!parse_ranges(value + "100-100"));
}

TEST_CASE("resolve_ranges: which bytes those are (9110 14.1.2)") {
  struct Case {
    std::string_view name;
    std::string_view value;
    std::uint64_t length;
    ResolvedRanges expected;
  };
  const Case cases[] = {
      {"the first 500 of 10000", "bytes=0-499", 10000, ByteRanges{{0, 499}}},
      {"the last 500 of 10000", "bytes=-500", 10000, ByteRanges{{9500, 9999}}},
      {"from 9500", "bytes=9500-", 10000, ByteRanges{{9500, 9999}}},
      {"the first and the last byte", "bytes=0-0,-1", 10000, ByteRanges{{0, 0}, {9999, 9999}}},
      {"in the order asked for", "bytes=5-6,0-1", 10, ByteRanges{{5, 6}, {0, 1}}},
      {"all of it", "bytes=0-", 10, ByteRanges{{0, 9}}},
      {"to the last byte", "bytes=5-9", 10, ByteRanges{{5, 9}}},
      {"beyond the last byte, cut", "bytes=5-10", 10, ByteRanges{{5, 9}}},
      {"far beyond, cut", "bytes=5-99999999999999999999", 10, ByteRanges{{5, 9}}},
      {"the last byte alone", "bytes=9-", 10, ByteRanges{{9, 9}}},
      {"from behind the last byte", "bytes=10-", 10, Unsatisfiable{}},
      {"a suffix of exactly all", "bytes=-10", 10, ByteRanges{{0, 9}}},
      {"a suffix of more than all", "bytes=-11", 10, ByteRanges{{0, 9}}},
      {"a suffix of nothing", "bytes=-0", 10, Unsatisfiable{}},
      {"one of two lies within", "bytes=0-1,10-11", 10, ByteRanges{{0, 1}}},
      {"none of two lies within", "bytes=10-11,-0", 10, Unsatisfiable{}},
      {"of empty content", "bytes=0-", 0, Unsatisfiable{}},
      {"a suffix of empty content", "bytes=-5", 0, IgnoreRanges{}},
      {"no suffix of empty content", "bytes=-0", 0, Unsatisfiable{}},
      {"side by side", "bytes=0-4,5-9", 10, ByteRanges{{0, 4}, {5, 9}}},
      {"overlapping by one byte", "bytes=0-5,5-9", 10, IgnoreRanges{}},
      {"the same twice", "bytes=0-1,0-1", 10, IgnoreRanges{}},
      {"one within another, backwards", "bytes=3-4,8-9,0-5", 10, IgnoreRanges{}},
      {"overlapping only behind the end", "bytes=0-1,20-30,25-26", 10, ByteRanges{{0, 1}}},
      {"the largest length", "bytes=-1", largest, ByteRanges{{largest - 1, largest - 1}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<RangeSet> set = parse_ranges(c.value);
    REQUIRE(set);
    CHECK(resolve_ranges(*set, c.length) == c.expected);
  }
  CHECK(ByteRange{5, 9}.size() == 5);
}

}  // namespace
}  // namespace larder::http
