// What a witness makes of a message. That the scripts publish such messages: leases_test.

#include "store/lease_message.hpp"

#include <doctest/doctest.h>

namespace larder::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using store::LeaseMessage;
using Event = LeaseMessage::Event;

TEST_CASE("lease message: read") {
  struct Case {
    std::string name;
    std::string text;
    LeaseMessage expected;
  };
  const std::string holder = "89abcdef01234567";
  const Case cases[] = {
      {"a lease was taken on one key",
       "taken 89abcdef01234567 10000 1:a",
       {Event::taken, holder, 10s, {"a"}}},
      {"it goes on", "renewed 89abcdef01234567 250 1:a", {Event::renewed, holder, 250ms, {"a"}}},
      {"it is over", "ended 89abcdef01234567 0 1:a", {Event::ended, holder, 0ms, {"a"}}},
      {"several keys",
       "taken 89abcdef01234567 1 1:a 2:bc 0:",
       {Event::taken, holder, 1ms, {"a", "bc", ""}}},
      {"keys of any bytes",
       "taken 89abcdef01234567 1 4:a :b 5:\r\n\0 1 3:1:c"s,
       {Event::taken, holder, 1ms, {"a :b"s, "\r\n\0 1"s, "1:c"s}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<LeaseMessage> message = store::parse_lease_message(c.text);
    REQUIRE(message);
    CHECK(*message == c.expected);
  }
}

TEST_CASE("lease message: anything else is none") {
  const std::string texts[] = {
      "",
      "taken",
      "taken 89abcdef01234567 10000",
      "taken 89abcdef01234567 10000 ",
      "Taken 89abcdef01234567 10000 1:a",
      " taken 89abcdef01234567 10000 1:a",
      "taken 89abcdef0123456 10000 1:a",
      "taken 89abcdef012345678 10000 1:a",
      "taken 89ABCDEF01234567 10000 1:a",
      "taken  10000 1:a",
      "taken 89abcdef01234567 -1 1:a",
      "taken 89abcdef01234567 1s 1:a",
      "taken 89abcdef01234567  1:a",
      "taken 89abcdef01234567 99999999999 1:a",
      "taken 89abcdef01234567 1 a",
      "taken 89abcdef01234567 1 :a",
      "taken 89abcdef01234567 1 2:a",
      "taken 89abcdef01234567 1 4294967295:a",
      "taken 89abcdef01234567 1 1:ab",
      "taken 89abcdef01234567 1 1:a ",
      "taken 89abcdef01234567 1 1:a  1:b",
      "taken 89abcdef01234567 1 +1:a",
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK_FALSE(store::parse_lease_message(text));
  }
}

}  // namespace
}  // namespace larder::test
