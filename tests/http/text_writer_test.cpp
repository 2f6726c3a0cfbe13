#include "http/text_writer.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

TEST_CASE("TextWriter appends, whatever room it was given") {
  for (const std::size_t room : {0U, 1U, 7U, 1000U}) {
    CAPTURE(room);
    std::string text = "before ";
    {
      TextWriter writer(text, room);
      writer.put("literal, ");
      writer.put('c');
      writer.put(std::string_view(", text"));
      writer.put(std::string_view());
      writer.put(" 0 ");
      writer.put_number(0);
      writer.put(' ');
      writer.put_number(18446744073709551615U);
      writer.put(' ');
      writer.put_three_digits(7);
      writer.put_three_digits(980);
      char* at = writer.need(100);
      *at++ = '.';
      writer.wrote(at);
    }
    CHECK(text == "before literal, c, text 0 0 18446744073709551615 007980.");
  }
}

TEST_CASE("TextWriter writes in the place of what there was, however much room it had") {
  for (const std::size_t room : {0U, 3U, 100U}) {
    CAPTURE(room);
    std::string text = "kept, and replaced";
    {
      TextWriter writer(text, 6, room);
      writer.put("new");
    }
    CHECK(text == "kept, new");
  }
}

TEST_CASE("TextWriter leaves what it was not given to write") {
  std::string text = "as it was";
  { const TextWriter writer(text, 100); }
  CHECK(text == "as it was");
}

}  // namespace
}  // namespace larder::http
