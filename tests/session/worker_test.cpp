#include "session/worker.hpp"

#include <doctest/doctest.h>

namespace larder::session {
namespace {

using namespace std::chrono_literals;

TEST_CASE("UnstoredKeys: remembered until their time, and never more than so many") {
  UnstoredKeys keys;
  const SteadyClock::time_point now = SteadyClock::now();
  keys.remember("a", now + 10s);
  CHECK(keys.remembers("a", now + 9s));
  CHECK_FALSE(keys.remembers("b", now));
  CHECK_FALSE(keys.remembers("a", now + 10s));
  for (std::size_t i = 0; i < UnstoredKeys::maximum + 100; ++i)
    keys.remember(std::to_string(i), now + 10s);
  std::size_t remembered = 0;
  for (std::size_t i = 0; i < UnstoredKeys::maximum + 100; ++i) {
    if (keys.remembers(std::to_string(i), now)) ++remembered;
  }
  CHECK(remembered == UnstoredKeys::maximum);
}

}  // namespace
}  // namespace larder::session
