#include "session/stream.hpp"

#include <poll.h>

#include <exception>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
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

/// A question to the other end of a Pair, as far as it has come.
class Asking {
 public:
  void start(std::string_view question, milliseconds timeout = 5s) {
    asio::co_spawn(io, pair.stream().ask(question, 5s, room, timeout),
                   [this](const std::exception_ptr&, ReadResult read) { result = read; });
    io.poll();
  }
  void finish() {
    io.restart();
    for (int turns = 0; !result && turns < 1000; ++turns) io.run_one_for(10ms);
    REQUIRE(result.has_value());
  }
  /// Until what the other end has done has arrived here, though nobody has been told of it yet.
  void await_arrival() {
    pollfd waiting{pair.stream().socket().native_handle(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 5000) == 1);
  }
  [[nodiscard]] std::string_view read() const { return {room, result->size}; }

  asio::io_context io;
  Deadlines deadlines{io};
  test::Pair pair{io, deadlines};
  char room[64] = "HTTP/1.1 200 OK";  // of the answer before
  std::optional<ReadResult> result;
};

TEST_CASE("Stream: a question goes out when nothing was there before it, and its answer is read") {
  Asking asking;
  asking.start("question");
  CHECK(asking.pair.received() == "question");
  CHECK_FALSE(asking.result.has_value());
  asking.pair.send("answer");
  asking.finish();
  CHECK(asking.result->status == IoStatus::ok);
  CHECK_FALSE(asking.result->is_unasked);
  CHECK(asking.read() == "answer");
}

TEST_CASE("Stream: what came before a question is no answer to it, and it does not go out") {
  for (const bool is_told_of : {false, true}) {
    CAPTURE(is_told_of);
    Asking asking;
    asking.pair.send("surplus");
    asking.await_arrival();
    if (is_told_of) asking.io.poll();
    asking.start("question");
    asking.finish();
    CHECK(asking.result->status == IoStatus::ok);
    CHECK(asking.result->is_unasked);
    CHECK(asking.read() == "surplus");
    CHECK(asking.pair.received().empty());
  }
}

TEST_CASE("Stream: a question that the kernel takes in parts goes out whole") {
  Asking asking;
  const std::string much(8 << 20, 'x');
  asking.start(much);
  std::string received;
  for (int turns = 0; received.size() < much.size() && turns < 100'000; ++turns) {
    received += asking.pair.received();
    asking.io.run_one_for(1ms);
  }
  CHECK(received == much);
  asking.pair.send("answer");
  asking.finish();
  CHECK_FALSE(asking.result->is_unasked);
  CHECK(asking.read() == "answer");
}

TEST_CASE("Stream: a question to somebody who does not answer it") {
  struct Case {
    const char* name;
    bool has_gone;
    IoStatus expected;
  };
  const Case cases[] = {
      {"and is silent", false, IoStatus::timed_out},
      {"and has gone", true, IoStatus::failed},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Asking asking;
    if (c.has_gone) asking.pair.close();
    asking.start("question", 20ms);
    asking.finish();
    CHECK(asking.result->status == c.expected);
    CHECK_FALSE(asking.result->is_unasked);
  }
}

}  // namespace
}  // namespace larder::session
