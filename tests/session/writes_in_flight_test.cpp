#include "session/writes_in_flight.hpp"

#include <optional>

#include <doctest/doctest.h>

namespace larder::session {
namespace {

TEST_CASE("WritesInFlight: what a write evicts is concerned until it has ended") {
  WritesInFlight writes;
  CHECK_FALSE(writes.concern({"p:/a"}));
  std::optional<WritesInFlight::Entry> one;
  std::optional<WritesInFlight::Entry> other;
  one.emplace(writes, policy::Tags{"b:/a", "p:/a"});
  other.emplace(writes, policy::Tags{"p:/a"});
  CHECK(writes.concern({"r:a", "p:/a"}));
  CHECK(writes.concern({"b:/a"}));
  CHECK_FALSE(writes.concern({"p:/b"}));
  one.reset();
  CHECK(writes.concern({"p:/a"}));
  CHECK_FALSE(writes.concern({"b:/a"}));
  other.reset();
  CHECK_FALSE(writes.concern({"p:/a"}));
}

}  // namespace
}  // namespace larder::session
