#include "store/reply_guard.hpp"

#include <string>

#include <doctest/doctest.h>

#include "store/pipeline.hpp"

namespace larder::store {
namespace {

using namespace std::string_literals;

bool accepts(std::string_view bytes) {
  return ReplyGuard(of_replies).accept(bytes);
}

bool accepts_byte_by_byte(std::string_view bytes) {
  ReplyGuard guard(of_replies);
  for (const char& byte : bytes)
    if (!guard.accept({&byte, 1})) return false;
  return true;
}

TEST_CASE("reply guard: what Redis sends, and what it does not") {
  struct Case {
    const char* name;
    std::string bytes;
    bool accepted;
  };
  const Case cases[] = {
      {"a status", "+OK\r\n", true},
      {"an error", "-ERR wrong\r\n", true},
      {"an integer", ":-12\r\n", true},
      {"a text", "$3\r\na\rb\r\n", true},
      {"an empty text", "$0\r\n\r\n", true},
      {"nil", "$-1\r\n", true},
      {"a nil array", "*-1\r\n", true},
      {"an empty array", "*0\r\n", true},
      {"an array", "*3\r\n$1\r\na\r\n$-1\r\n:7\r\n", true},
      {"one reply after another", "*1\r\n:1\r\n*0\r\n+OK\r\n", true},
      {"a text of size -2", "$-2\r\n", false},
      {"an array of size -2", "*-2\r\n", false},
      {"an array without end", "*1000000000\r\n", false},
      {"a text without end", "$9999999999999\r\n", false},
      {"a size beyond all integers", "$99999999999999999999999\r\n", false},
      {"no size", "$\r\n", false},
      {"a size with a sign", "$+3\r\n", false},
      {"a size with a space", "$ 3\r\n", false},
      {"an array in an array", "*1\r\n*1\r\n:1\r\n", false},
      {"deep nesting", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", false},
      {"RESP3", "%1\r\n+a\r\n+b\r\n", false},
      {"HTTP", "HTTP/1.1 400 Bad Request\r\n", false},
      {"an integer that is none", ":x\r\n", false},
      {"a text longer than it says", "$1\r\nab\r\n", false},
      {"a line ended by LF alone", "+OK\n", false},
      {"CR within a line", "+O\rK\r\n", false},
      {"a line without end", "+" + std::string(ReplyGuard::line_limit + 1, 'x'), false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(accepts(c.bytes) == c.accepted);
    CHECK(accepts_byte_by_byte(c.bytes) == c.accepted);
  }
}

TEST_CASE("reply guard: once refused, always refused") {
  ReplyGuard guard(of_replies);
  CHECK_FALSE(guard.accept("$-2\r\n"));
  CHECK_FALSE(guard.accept("+OK\r\n"));
}

TEST_CASE("reply guard: bounds, one below and one above") {
  CHECK(accepts("*" + std::to_string(of_replies.elements) + "\r\n"));
  CHECK_FALSE(accepts("*" + std::to_string(of_replies.elements + 1) + "\r\n"));
  CHECK(accepts("$" + std::to_string(ReplyGuard::bulk_limit) + "\r\n"));
  CHECK_FALSE(accepts("$" + std::to_string(ReplyGuard::bulk_limit + 1) + "\r\n"));
}

TEST_CASE("reply guard: what a subscribed connection is told") {
  const auto accepts_message = [](std::string_view bytes) {
    return ReplyGuard(of_messages).accept(bytes);
  };
  const std::string list = "*3\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n";
  CHECK(accepts_message(list));
  CHECK_FALSE(accepts(list));
  CHECK(accepts_message(list + list + "*1\r\n:1\r\n"));
  CHECK_FALSE(accepts_message("*1\r\n*1\r\n*1\r\n"));
  // Of all its arrays and texts together; of the next one anew.
  const std::string most = std::to_string(of_messages.elements - 1);
  CHECK(accepts_message("*1\r\n*" + most + "\r\n"));
  CHECK_FALSE(accepts_message("*2\r\n*" + most + "\r\n"));
  const std::string half = std::to_string(ReplyGuard::bulk_limit / 2);
  const std::string text = "$" + half + "\r\n" + std::string(std::stoul(half), 'x') + "\r\n";
  CHECK(accepts_message("*3\r\n" + text + text));
  CHECK_FALSE(accepts_message("*3\r\n" + text + text + "$1\r\n"));
  CHECK(accepts_message(text + text + text));
}

TEST_CASE("pipeline: commands as RESP") {
  Pipeline pipeline;
  Command command{"SET"};
  command.add_joined("prefix:", "key");
  command.add(std::string_view("a\0\r\n", 4));
  pipeline.add(command);
  pipeline.add({"PING"});
  CHECK(pipeline.commands() == 2);
  CHECK(pipeline.take_request() ==
        "*3\r\n$3\r\nSET\r\n$10\r\nprefix:key\r\n$4\r\na\0\r\n\r\n*1\r\n$4\r\nPING\r\n"s);
}

TEST_CASE("reply reader: replies, whole and byte by byte") {
  const std::string long_text(1000, 'x');
  const std::string bytes =
      "*3\r\n$16\r\n0123456789abcdef\r\n$-1\r\n$1000\r\n" + long_text + "\r\n-ERR no\r\n:42\r\n";
  for (const std::size_t step : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    CAPTURE(step);
    Pipeline pipeline;
    pipeline.add({"HMGET", "k", "a", "b", "c"});
    pipeline.add({"NONSENSE"});
    pipeline.add({"DEL", "k"});
    ReplyReader reader(of_replies);
    std::size_t complete = 0;
    for (std::size_t offset = 0; offset < bytes.size(); offset += step) {
      REQUIRE(reader.feed(std::string_view(bytes).substr(offset, step)));
      while (reader.has_bytes()) {
        const ReplyReader::Result result = reader.read(pipeline);
        REQUIRE(result != ReplyReader::Result::refused);
        if (result == ReplyReader::Result::incomplete) break;
        ++complete;
        CHECK(pipeline.is_answered() == (complete == 3));
      }
    }
    REQUIRE(pipeline.is_answered());
    CHECK(pipeline.reply(0).kind == Reply::Kind::array);
    CHECK(pipeline.reply(0).number == 3);
    CHECK(pipeline.text(pipeline.element(0, 0)) == "0123456789abcdef");
    CHECK(pipeline.element(0, 1).kind == Reply::Kind::nil);
    CHECK(pipeline.text(pipeline.element(0, 2)) == long_text);
    CHECK(pipeline.bytes(pipeline.element(0, 2)).view().data() ==
          pipeline.text(pipeline.element(0, 2)).data());
    CHECK(pipeline.text(pipeline.reply(1)) == "ERR no");
    CHECK(pipeline.reply(2).number == 42);
  }
}

TEST_CASE("reply reader: refuses what the guard refuses") {
  ReplyReader reader(of_replies);
  CHECK_FALSE(reader.feed("*1000000000\r\n"));
}

}  // namespace
}  // namespace larder::store
