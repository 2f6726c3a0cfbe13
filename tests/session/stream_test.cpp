#include "session/stream.hpp"

#include <doctest/doctest.h>

#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Stream: a write to a peer that takes nothing ends by the pace, or by the timeout") {
  struct Case {
    const char* name;
    Pace pace;
    milliseconds timeout;
  };
  const Case cases[] = {
      {"too slow", Pace(1000, 20ms), 1h},
      {"no step forward", Pace(), 20ms},
      {"no step forward, though the pace would allow it", Pace(1, 1h), 20ms},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    asio::io_context io;
    Deadlines deadlines(io);
    test::Pair pair(io, deadlines);
    pair.stream().set_write_pace(c.pace);
    const std::string much(16 << 20, 'x');
    CHECK(test::run(io, pair.stream().write(much, c.timeout)) == IoStatus::timed_out);
  }
}

TEST_CASE("Stream: what the peer takes at once is written without waiting, the rest is left") {
  asio::io_context io;
  Deadlines deadlines(io);
  test::Pair pair(io, deadlines);
  Pieces small{"one ", "", "two"};
  CHECK(pair.stream().write_now(small) == IoStatus::ok);
  CHECK(pair.received() == "one two");

  const std::string much(16 << 20, 'x');
  Pieces large{"", "head ", much};
  CHECK_FALSE(pair.stream().write_now(large).has_value());
  CHECK(large[1].empty());
  const std::string begun = pair.received();
  CHECK(begun.substr(0, 5) == "head ");
  CHECK(begun.size() + large[2].size() == 5 + much.size());

  pair.close();
  CHECK(pair.stream().write_now(large) == IoStatus::failed);
}

}  // namespace
}  // namespace larder::session
