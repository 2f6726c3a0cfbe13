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

/// A read of eight bytes at most, as far as it has come.
class Reading {
 public:
  /// Until nobody has anything to do but wait.
  void start(EndSeen end_seen, milliseconds timeout = 5s) {
    result.reset();
    asio::co_spawn(io, pair.stream().read_some(room, timeout, end_seen),
                   [this](const std::exception_ptr&, ReadResult read) { result = read; });
    io.restart();
    io.poll();
  }
  std::size_t size() {
    finish();
    return result->status == IoStatus::ok ? result->size : 0;
  }
  IoStatus status() {
    finish();
    return result->status;
  }

  asio::io_context io;
  Deadlines deadlines{io};
  test::Pair pair{io, deadlines};
  std::optional<ReadResult> result;

 private:
  void finish() {
    io.restart();
    for (int turns = 0; !result && turns < 1000; ++turns) io.run_one_for(10ms);
    REQUIRE(result.has_value());
  }
  char room[8];
};

TEST_CASE("Stream: an end that came together with the last bytes is seen when it is to be") {
  struct Case {
    const char* name;
    EndSeen first;
    EndSeen then;
    IoStatus expected;
  };
  const Case cases[] = {
      {"by who always sees it at once", EndSeen::at_once, EndSeen::at_once, IoStatus::closed},
      {"by who sees it at once from now on", EndSeen::late, EndSeen::at_once, IoStatus::closed},
      {"not by who goes on seeing it late", EndSeen::late, EndSeen::late, IoStatus::timed_out},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Reading reading;
    reading.start(c.first);
    CHECK_FALSE(reading.result.has_value());
    reading.pair.send("request");
    reading.pair.close();
    CHECK(reading.size() == 7);
    reading.start(c.then, 20ms);
    CHECK(reading.status() == c.expected);
    if (c.expected != IoStatus::timed_out) continue;
    // As a connection does that is to doze.
    CHECK(test::run(reading.io, reading.pair.stream().wait_readable(5s)) == IoStatus::ok);
    reading.start(EndSeen::late);
    CHECK(reading.status() == IoStatus::closed);
  }
}

TEST_CASE("Stream: who sees ends late misses nothing that is sent") {
  Reading reading;
  reading.start(EndSeen::late);
  reading.pair.send("one");
  CHECK(reading.size() == 3);

  reading.start(EndSeen::late);
  CHECK_FALSE(reading.result.has_value());
  reading.pair.send("more than sixteen");
  CHECK(reading.size() == 8);
  reading.start(EndSeen::late);
  CHECK(reading.size() == 8);
  reading.start(EndSeen::late);
  CHECK(reading.size() == 1);

  reading.pair.send("two");
  reading.io.restart();
  reading.io.poll();  // told of it while nobody reads
  reading.start(EndSeen::late);
  CHECK(reading.size() == 3);

  reading.start(EndSeen::late);
  reading.pair.close();
  CHECK(reading.status() == IoStatus::closed);
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
