#include "session/body_reader.hpp"

#include <doctest/doctest.h>

#include "support/run.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;
using Framing = http::BodyFraming::Kind;

struct Whole {
  std::string content;
  BodyPart::Kind end = BodyPart::Kind::data;
  std::string surplus;
};

awaitable<Whole> read_all(BodyReader& reader) {
  Whole whole;
  while (true) {
    const BodyPart part = co_await reader.next();
    if (part.kind != BodyPart::Kind::data) {
      whole.end = part.kind;
      break;
    }
    whole.content += part.data;
  }
  whole.surplus = reader.surplus();
  co_return whole;
}

TEST_CASE("BodyReader: content by every framing, however it arrives") {
  struct Case {
    const char* name;
    http::BodyFraming framing;
    const char* already;
    const char* sent;
    bool closes;
    const char* content;
    BodyPart::Kind end;
    const char* surplus = "";
  };
  const Case cases[] = {
      {"none", {Framing::none}, "GET", "", false, "", BodyPart::Kind::end, "GET"},
      {"length, all of it read with the head",
       {Framing::length, 3},
       "abcGET",
       "",
       false,
       "abc",
       BodyPart::Kind::end,
       "GET"},
      {"length, in two parts",
       {Framing::length, 6},
       "abc",
       "def",
       false,
       "abcdef",
       BodyPart::Kind::end},
      {"length, and the next message is left alone",
       {Framing::length, 6},
       "abc",
       "defGET",
       false,
       "abcdef",
       BodyPart::Kind::end},
      {"length, cut off", {Framing::length, 6}, "abc", "d", true, "abcd", BodyPart::Kind::cut_off},
      {"chunked",
       {Framing::chunked},
       "3\r\nabc\r\n",
       "3\r\ndef\r\n0\r\n\r\nGET",
       false,
       "abcdef",
       BodyPart::Kind::end,
       "GET"},
      {"chunked, cut in a chunk's head",
       {Framing::chunked},
       "3\r\nabc\r\n1",
       "0\r\n",
       true,
       "abc",
       BodyPart::Kind::cut_off},
      {"chunked, cut before the last chunk",
       {Framing::chunked},
       "3\r\nabc\r\n",
       "",
       true,
       "abc",
       BodyPart::Kind::cut_off},
      {"chunked, broken",
       {Framing::chunked},
       "3\r\nabcX",
       "",
       false,
       "abc",
       BodyPart::Kind::malformed},
      {"until the end of the connection",
       {Framing::until_close},
       "abc",
       "def",
       true,
       "abcdef",
       BodyPart::Kind::end},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    asio::io_context io;
    Deadlines deadlines(io);
    test::Pair pair(io, deadlines);
    if (*c.sent) pair.send(c.sent);
    if (c.closes) pair.close();
    BodyReader reader(pair.stream(), c.already, c.framing, 2s);
    const Whole whole = test::run(io, read_all(reader));
    CHECK(whole.content == c.content);
    CHECK(whole.end == c.end);
    if (c.end == BodyPart::Kind::end) CHECK(whole.surplus == std::string(c.surplus));
  }
}

TEST_CASE("BodyReader: a peer that stops has a deadline") {
  asio::io_context io;
  Deadlines deadlines(io);
  test::Pair pair(io, deadlines);
  pair.send("abc");
  BodyReader reader(pair.stream(), "", {Framing::length, 6}, 40ms);
  const Whole whole = test::run(io, read_all(reader));
  CHECK(whole.content == "abc");
  CHECK(whole.end == BodyPart::Kind::timed_out);
}

TEST_CASE("BodyReader: a peer that is too slow is not waited for to the timeout") {
  asio::io_context io;
  Deadlines deadlines(io);
  test::Pair pair(io, deadlines);
  pair.send("abc");
  BodyReader reader(pair.stream(), "", {Framing::length, 6}, 1h);
  reader.set_pace(Pace(1000, 40ms));
  const Whole whole = test::run(io, read_all(reader));
  CHECK(whole.content == "abc");
  CHECK(whole.end == BodyPart::Kind::timed_out);
}

TEST_CASE("BodyReader: no more content than the limit") {
  struct Case {
    const char* name;
    http::BodyFraming framing;
    const char* sent;
    std::uint64_t limit;
    BodyPart::Kind end;
  };
  const Case cases[] = {
      {"chunked, just as much",
       {Framing::chunked},
       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       5,
       BodyPart::Kind::end},
      {"chunked, a byte too much",
       {Framing::chunked},
       "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
       5,
       BodyPart::Kind::too_large},
      {"a chunk that is too much alone",
       {Framing::chunked},
       "6\r\nabcdef\r\n0\r\n\r\n",
       5,
       BodyPart::Kind::too_large},
      {"a length", {Framing::length, 6}, "abcdef", 5, BodyPart::Kind::too_large},
      {"no limit", {Framing::length, 6}, "abcdef", 0, BodyPart::Kind::end},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    asio::io_context io;
    Deadlines deadlines(io);
    test::Pair pair(io, deadlines);
    pair.send(c.sent);
    BodyReader reader(pair.stream(), "", c.framing, 2s);
    reader.set_limit(c.limit);
    CHECK(test::run(io, read_all(reader)).end == c.end);
  }
}

}  // namespace
}  // namespace larder::session
