#include "store/reply_reader.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <hiredis/hiredis.h>

#include "store/pipeline.hpp"

namespace larder::store {
namespace {

using namespace std::string_literals;

/// Bytes of their own, which go with the last pipeline that keeps them.
Received receive(std::string_view bytes) {
  const std::shared_ptr<char[]> copy = std::make_shared<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return {{copy.get(), bytes.size()}, copy};
}

bool accepts(std::string_view bytes, ReplyLimits limits = of_replies,
             std::size_t step = std::string_view::npos) {
  ReplyReader reader(limits);
  for (Pipeline pipeline; !bytes.empty();) {
    Received piece = receive(bytes.substr(0, step));
    bytes.remove_prefix(piece.bytes.size());
    while (!piece.bytes.empty())
      if (reader.read(piece, pipeline) == ReplyReader::Result::refused) return false;
  }
  return true;
}

TEST_CASE("reply reader: what Redis sends, and what it does not") {
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
      {"keys and where to go on", "*2\r\n$1\r\n7\r\n*1\r\n$1\r\na\r\n", true},
      {"an array in an array in an array", "*1\r\n*1\r\n*1\r\n:1\r\n", false},
      {"deep nesting", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", false},
      {"RESP3", "%1\r\n+a\r\n+b\r\n", false},
      {"HTTP", "HTTP/1.1 400 Bad Request\r\n", false},
      {"an integer that is none", ":x\r\n", false},
      {"an integer that nobody writes", ":-0\r\n", false},
      {"a sign alone", ":-\r\n", false},
      {"two signs", ":--1\r\n", false},
      {"a size with a zero before it", "$03\r\nabc\r\n", false},
      {"a text ended by LF alone", "$1\r\na\n", false},
      {"a type alone", "+\n", false},
      {"a text longer than it says", "$1\r\nab\r\n", false},
      {"a line ended by LF alone", "+OK\n", false},
      {"CR within a line", "+O\rK\r\n", false},
      {"a line without end", "+" + std::string(ReplyReader::line_limit + 1, 'x'), false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(accepts(c.bytes) == c.accepted);
    CHECK(accepts(c.bytes, of_replies, 1) == c.accepted);
  }
}

TEST_CASE("reply reader: bounds, one below and one above") {
  CHECK(accepts("*" + std::to_string(of_replies.elements) + "\r\n"));
  CHECK_FALSE(accepts("*" + std::to_string(of_replies.elements + 1) + "\r\n"));
  CHECK(accepts("$" + std::to_string(ReplyReader::bulk_limit) + "\r\n"));
  CHECK_FALSE(accepts("$" + std::to_string(ReplyReader::bulk_limit + 1) + "\r\n"));
}

TEST_CASE("reply reader: what a subscribed connection is told") {
  const auto accepts_message = [](std::string_view bytes) { return accepts(bytes, of_messages); };
  const std::string list = "*3\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n";
  CHECK(accepts_message(list));
  CHECK(accepts_message(list + list + "*1\r\n:1\r\n"));
  CHECK_FALSE(accepts_message("*1\r\n*1\r\n*1\r\n"));
  // Of all its arrays and texts together; of the next one anew.
  const std::string most = std::to_string(of_messages.elements - 1);
  CHECK(accepts_message("*1\r\n*" + most + "\r\n"));
  CHECK_FALSE(accepts_message("*2\r\n*" + most + "\r\n"));
  const std::string half = std::to_string(ReplyReader::bulk_limit / 2);
  const std::string text = "$" + half + "\r\n" + std::string(std::stoul(half), 'x') + "\r\n";
  CHECK(accepts_message("*3\r\n" + text + text));
  CHECK_FALSE(accepts_message("*3\r\n" + text + text + "$1\r\n"));
  CHECK(accepts_message(text + text + text));
}

TEST_CASE("pipeline: commands as RESP") {
  Pipeline pipeline;
  Command command(pipeline, {"SET"});
  command.add_joined("prefix:", "key");
  command.add(std::string_view("a\0\r\n", 4));
  command.add({});
  pipeline.add({"PING"});
  CHECK(pipeline.commands() == 2);
  CHECK(pipeline.request() ==
        "*4\r\n$3\r\nSET\r\n$10\r\nprefix:key\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n"
        "*1\r\n$4\r\nPING\r\n"s);
}

/// hiredis, which others speak to Redis with, writes the same.
TEST_CASE("pipeline: any number of words") {
  for (const std::size_t words : {1, 2, 9, 10, 11, 99, 100, 101, 1'000}) {
    CAPTURE(words);
    std::vector<std::string> texts;
    std::vector<const char*> data;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < words; ++i) texts.push_back(std::string(i % 131, 'x'));
    for (const std::string& text : texts) {
      data.push_back(text.data());
      sizes.push_back(text.size());
    }
    char* formatted = nullptr;
    const auto size =
        redisFormatCommandArgv(&formatted, static_cast<int>(words), data.data(), sizes.data());
    REQUIRE(size > 0);
    const std::string expected(formatted, static_cast<std::size_t>(size));
    redisFreeCommand(formatted);

    Pipeline pipeline;
    pipeline.add({"PING"});
    Command command(pipeline, {texts.front()});
    for (std::size_t i = 1; i < words; ++i)
      command.add_joined(std::string_view(texts[i]).substr(0, i % 7),
                         std::string_view(texts[i]).substr(std::min(i % 7, texts[i].size())));
    CHECK(pipeline.request() == "*1\r\n$4\r\nPING\r\n" + expected);
  }
}

TEST_CASE("reply reader: replies, whole and byte by byte") {
  const std::string long_text(2000, 'x');
  const std::string bytes =
      "*3\r\n$16\r\n0123456789abcdef\r\n$-1\r\n$2000\r\n" + long_text + "\r\n-ERR no\r\n:42\r\n";
  for (const std::size_t step : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    CAPTURE(step);
    Pipeline pipeline;
    pipeline.add({"HMGET", "k", "a", "b", "c"});
    pipeline.add({"NONSENSE"});
    pipeline.add({"DEL", "k"});
    ReplyReader reader(of_replies);
    std::size_t complete = 0;
    for (std::size_t offset = 0; offset < bytes.size(); offset += step) {
      Received piece = receive(std::string_view(bytes).substr(offset, step));
      while (!piece.bytes.empty()) {
        const ReplyReader::Result result = reader.read(piece, pipeline);
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
    // What came in pieces is by itself, and is kept without copying it again.
    const bool is_by_itself = step < long_text.size();
    const policy::SharedBytes kept = pipeline.bytes(pipeline.element(0, 2));
    CHECK(kept.view() == long_text);
    CHECK((kept.view().data() == pipeline.text(pipeline.element(0, 2)).data()) == is_by_itself);
    CHECK(pipeline.text(pipeline.reply(1)) == "ERR no");
    CHECK(pipeline.reply(2).number == 42);
  }
}

}  // namespace
}  // namespace larder::store
