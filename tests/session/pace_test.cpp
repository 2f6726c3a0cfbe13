#include "session/pace.hpp"

#include <doctest/doctest.h>

namespace larder::session {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Pace: for how long a peer may be waited for") {
  struct Case {
    const char* name;
    Pace pace;
    std::uint64_t moved;
    std::chrono::nanoseconds waited;
    milliseconds timeout;
    std::optional<milliseconds> expected;
  };
  const Pace pace(100, 30s);
  const Case cases[] = {
      {"nobody is too slow when there is no rate", Pace(), 0, 1h, 5s, 5s},
      {"nor when it is zero", Pace(0, 30s), 0, 1h, 5s, 5s},
      {"and without a timeout there is no end", Pace(), 0, 1h, 0s, 0s},
      {"the timeout, where it is shorter", pace, 0, 0s, 5s, 5s},
      {"the grace, where that is", pace, 0, 0s, 60s, 30s},
      {"the grace, where there is no timeout", pace, 0, 0s, 0s, 30s},
      {"what has been waited counts", pace, 0, 20s, 60s, 10s},
      {"to the end of the grace", pace, 0, 30s - 1ns, 60s, 1ms},
      {"and no longer", pace, 0, 30s, 60s, std::nullopt},
      {"what the grace has room for earns nothing", pace, 3000, 30s, 60s, std::nullopt},
      {"what has moved beyond it does", pace, 3100, 30s, 60s, 1s},
      {"exactly the rate is fast enough", pace, 10'000, 99s, 60s, 1s},
      {"less is not", pace, 10'000, 100s, 60s, std::nullopt},
      {"a huge amount does not overflow", pace, UINT64_MAX, 1h, 60s, 60s},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Pace measured = c.pace;
    measured.note(c.moved, c.waited);
    CHECK(measured.patience(c.timeout) == c.expected);
  }
}

}  // namespace
}  // namespace larder::session
