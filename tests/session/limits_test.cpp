#include "session/limits.hpp"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

namespace larder::session {
namespace {

using boost::asio::ip::make_address;

TEST_CASE("connections_within: descriptors are kept for what is not a client") {
  struct Case {
    const char* name;
    std::uint64_t descriptors;
    unsigned threads;
    unsigned wanted;
    unsigned expected;
  };
  const Case cases[] = {
      {"plenty", 1'048'576, 4, 10'000, 10'000},
      {"an unlimited number", UINT64_MAX, 4, 10'000, 10'000},
      {"just enough", 10'000 + 32 + 8 * 4 + 256, 4, 10'000, 10'000},
      {"one too few", 10'000 + 32 + 8 * 4 + 256 - 1, 4, 10'000, 9'999},
      {"a small limit leaves a quarter to the origin", 256, 2, 10'000, 256 - 32 - 16 - 64},
      {"fewer clients than there is room for", 256, 2, 5, 5},
      {"always one", 16, 8, 10'000, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(connections_within(c.descriptors, c.threads, c.wanted) == c.expected);
  }
}

TEST_CASE("AddressCounts: so many from an address, until one of them goes") {
  AddressCounts counts(2);
  AddressCounts::Held first;
  AddressCounts::Held refused;
  AddressCounts::Held another;
  CHECK(counts.take(make_address("203.0.113.1"), first));
  {
    AddressCounts::Held second;
    CHECK(counts.take(make_address("203.0.113.1"), second));
    CHECK_FALSE(counts.take(make_address("203.0.113.1"), refused));
    CHECK(counts.take(make_address("203.0.113.2"), another));
  }
  CHECK(counts.take(make_address("203.0.113.1"), refused));
}

TEST_CASE("AddressCounts: an IPv6 client has its whole /64, which is no IPv4 address") {
  AddressCounts counts(1);
  AddressCounts::Held held[4];
  CHECK(counts.take(make_address("2001:db8:0:1::1"), held[0]));
  CHECK_FALSE(counts.take(make_address("2001:db8:0:1:ffff::2"), held[1]));
  CHECK(counts.take(make_address("2001:db8:0:2::1"), held[1]));
  CHECK(counts.take(make_address("::cb00:7101"), held[2]));
  CHECK(counts.take(make_address("0.0.0.0"), held[3]));
}

TEST_CASE("AddressCounts: without a limit nothing is counted") {
  AddressCounts counts(0);
  std::vector<std::unique_ptr<AddressCounts::Held>> held;
  for (int i = 0; i < 100; ++i) {
    held.push_back(std::make_unique<AddressCounts::Held>());
    CHECK(counts.take(make_address("203.0.113.1"), *held.back()));
  }
}

}  // namespace
}  // namespace larder::session
