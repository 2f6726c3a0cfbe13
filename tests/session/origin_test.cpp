#include "session/origin.hpp"

#include <future>
#include <string>

#include <doctest/doctest.h>

#include "support/scripted_origin.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;
using namespace session::test;

TEST_CASE("fetch: what an origin may do wrong, and what it is called") {
  struct Case {
    const char* name;
    ScriptedOrigin::Script script;
    const char* expected;
  };
  const Case cases[] = {
      {"answers", ScriptedOrigin::answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "200"},
      {"answers after interim responses",
       ScriptedOrigin::answer(
           "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
       "200"},
      {"closes without a word", ScriptedOrigin::answer(""),
       "the upstream closed the connection before it answered"},
      {"closes in mid-head", ScriptedOrigin::answer("HTTP/1.1 200 OK\r\nConte"),
       "the upstream's answer was cut off"},
      {"talks nonsense", ScriptedOrigin::answer("hello\r\n\r\n"),
       "the upstream's answer is not valid HTTP"},
      {"counts and chunks at once",
       ScriptedOrigin::answer(
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       "the upstream's answer is not valid HTTP"},
      {"counts twice",
       ScriptedOrigin::answer(
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab"),
       "the upstream's answer is not valid HTTP"},
      {"switches protocols unasked",
       ScriptedOrigin::answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
       "the upstream switched protocols without being asked"},
      {"never stops with interim responses",
       [](int socket) {
         ScriptedOrigin::read_head(socket);
         for (int i = 0; i < 40; ++i)
           ScriptedOrigin::send(socket, "HTTP/1.1 103 Early Hints\r\n\r\n");
       },
       "the upstream sent too many interim responses"},
      {"an endless head",
       [](int socket) {
         ScriptedOrigin::read_head(socket);
         ScriptedOrigin::send(socket, "HTTP/1.1 200 OK\r\n");
         for (int i = 0; i < 2000; ++i)
           ScriptedOrigin::send(socket, "X-Filler: " + std::string(90, 'x') + "\r\n");
       },
       "the upstream's answer is not valid HTTP"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedOrigin origin({c.script});
    Rig rig(origin.port());
    CHECK(outcome(rig.get(false)) == c.expected);
  }
}

TEST_CASE("fetch: nobody listens") {
  Rig rig(closed_port());
  CHECK(outcome(rig.get()) == "the upstream refused the connection");
}

TEST_CASE("fetch: an origin that hangs has a deadline") {
  ScriptedOrigin origin({[](int socket) {
    ScriptedOrigin::read_head(socket);
    char byte = 0;
    (void)!::recv(socket, &byte, 1, 0);  // until the other side gives up
  }});
  Rig rig(origin.port());
  CHECK(outcome(rig.get(true, 50ms)) == "the upstream did not answer in time");
}

// One answer on a connection that stays open, until the test's side closes it or `second` answers
// again.
ScriptedOrigin::Script keep_open(const std::string& first, const std::string& second) {
  return [=](int socket) {
    ScriptedOrigin::read_head(socket);
    ScriptedOrigin::send(socket, first);
    const std::string next = ScriptedOrigin::read_head(socket);
    if (!next.empty()) ScriptedOrigin::send(socket, second);
  };
}
TEST_CASE("fetch: the deadline is for all of the head, however slowly it drips") {
  ScriptedOrigin origin({[](int socket) {
    ScriptedOrigin::read_head(socket);
    ScriptedOrigin::send(socket, "HTTP/1.1 200 OK\r\nX-Drip: ");
    pollfd left{socket, POLLIN, 0};
    while (::poll(&left, 1, 10) == 0) ScriptedOrigin::send(socket, "x");
  }});
  Rig rig(origin.port());
  CHECK(outcome(rig.get(true, 100ms)) == "the upstream did not answer in time");
}

TEST_CASE("fetch: the deadline for the whole answer, and what has none") {
  struct Case {
    const char* name;
    const char* type;
    milliseconds response_timeout;
    BodyPart::Kind expected;
  };
  const Case cases[] = {
      {"an answer that drips is cut off", "text/plain", 100ms, BodyPart::Kind::out_of_time},
      {"a stream of events is not", "Text/Event-Stream; charset=utf-8", 100ms, BodyPart::Kind::end},
      {"nor is anything without a limit", "text/plain", 0ms, BodyPart::Kind::end},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedOrigin origin({[&c](int socket) {
      ScriptedOrigin::read_head(socket);
      ScriptedOrigin::send(socket, std::string("HTTP/1.1 200 OK\r\nContent-Type: ") + c.type +
                                       "\r\nContent-Length: 40\r\n\r\n");
      pollfd left{socket, POLLIN, 0};
      for (int i = 0; i < 40 && ::poll(&left, 1, 10) == 0; ++i) ScriptedOrigin::send(socket, "x");
    }});
    Rig rig(origin.port());
    FetchRequest request = Rig::request();
    request.response_timeout = c.response_timeout;
    FetchResult result = larder::test::run(rig.io, fetch(rig.pool, request));
    REQUIRE(outcome(result) == "200");
    const auto read_all = [](BodyReader& content) -> awaitable<BodyPart::Kind> {
      while (true) {
        const BodyPart part = co_await content.next();
        if (part.kind != BodyPart::Kind::data) co_return part.kind;
      }
    };
    CHECK(larder::test::run(rig.io, read_all(std::get<OriginAnswer>(result).content())) ==
          c.expected);
  }
}

TEST_CASE("OriginPool: a used connection serves again") {
  ScriptedOrigin origin({keep_open(ok, "HTTP/1.1 204 No Content\r\n\r\n")});
  Rig rig(origin.port());
  FetchResult first = rig.get();
  REQUIRE(outcome(first) == "200");
  rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
  CHECK(outcome(rig.get()) == "204");
  CHECK(origin.accepted() == 1);
}

TEST_CASE("OriginPool: what cannot be repeated goes out on a fresh connection") {
  ScriptedOrigin origin(
      {keep_open(ok, ok),
       ScriptedOrigin::answer("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")});
  Rig rig(origin.port());
  FetchResult first = rig.get();
  rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
  // The scripted origin serves one connection after the other.
  rig.pool.close_idle();
  CHECK(outcome(rig.get(false)) == "201");
  CHECK(origin.accepted() == 2);
}

TEST_CASE("fetch: once more when a used connection died before any answer, and only then") {
  struct Case {
    const char* name;
    const char* second;  ///< what the used connection says before it closes
    bool repeatable;
    const char* expected;
    int accepted;
  };
  const Case cases[] = {
      {"died silently", "", true, "200", 2},
      {"died in mid-head", "HTTP/1.1 2", true, "the upstream's answer was cut off", 1},
      {"answered", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", true, "404", 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ScriptedOrigin origin({keep_open(ok, c.second), ScriptedOrigin::answer(ok)});
    Rig rig(origin.port());
    FetchResult first = rig.get();
    REQUIRE(outcome(first) == "200");
    rig.pool.release(std::move(std::get<OriginAnswer>(first).connection));
    CHECK(outcome(rig.get(c.repeatable)) == c.expected);
    CHECK(origin.accepted() == c.accepted);
  }
}

TEST_CASE("fetch: what an idle connection has said unasked is no answer to the next request") {
  struct Case {
    const char* name;
    std::string_view said;
    bool closes;
    bool is_asked;  ///< by the next request, which is then repeated elsewhere
  };
  const Case cases[] = {
      {"a whole answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, false},
      {"a farewell", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", true, false},
      {"some bytes", "x", false, false},
      {"a NUL, and what would be an answer without it",
       {"\0HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 46},
       false,
       true},
      {"nothing, but it has closed", "", true, true},
  };
  for (const Case& c : cases) {
    for (const bool is_told_of : {false, true}) {
      CAPTURE(c.name);
      CAPTURE(is_told_of);
      std::string asked;
      {
        std::promise<void> is_idle;
        ScriptedOrigin origin(
            {[&](int socket) {
               ScriptedOrigin::read_head(socket);
               ScriptedOrigin::send(socket, ok);
               is_idle.get_future().wait();
               ScriptedOrigin::send(socket, c.said);
               if (c.closes) ::shutdown(socket, SHUT_WR);
               asked = ScriptedOrigin::read_head(socket);
             },
             ScriptedOrigin::answer("HTTP/1.1 203 Other\r\nContent-Length: 0\r\n\r\n")});
        Rig rig(origin.port());
        FetchResult first = rig.get();
        is_idle.set_value();
        REQUIRE(outcome(first) == "200");
        OriginConnectionPointer used = std::move(std::get<OriginAnswer>(first).connection);
        pollfd arrived{used->stream.socket().native_handle(), POLLIN, 0};
        rig.pool.release(std::move(used));
        REQUIRE(::poll(&arrived, 1, 5000) == 1);
        if (is_told_of) rig.io.restart();
        if (is_told_of) rig.io.poll();
        CHECK(outcome(rig.get()) == "203");
      }
      CHECK(asked.empty() != c.is_asked);
    }
  }
}

TEST_CASE("fetch: a backend may greet a new connection, but not one that was used") {
  ScriptedOrigin origin({[](int socket) { ScriptedOrigin::read_head(socket); }});
  Rig rig(origin.port());
  std::string why;
  OriginPool::Acquired acquired = larder::test::run(rig.io, rig.pool.connect(0, 1s, why));
  REQUIRE(std::holds_alternative<OriginConnectionPointer>(acquired));
  OriginConnection& connection = *std::get<OriginConnectionPointer>(acquired);
  const ReadResult greeting{IoStatus::ok, 1, true};
  connection.room()[0] = 'H';
  CHECK(connection.note_read(greeting) == FetchFailure::none);
  connection.begin_anew();
  CHECK(connection.note_read(greeting) == FetchFailure::closed_before_answer);
}

}  // namespace
}  // namespace larder::session
