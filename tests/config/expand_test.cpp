// Expand: environment variables in values.
#include "config/expand.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace larder::config;

namespace {

const Environment environment = larder::test::make_environment(
    {{"HOST", "backend"}, {"PORT", "8000"}, {"EMPTY", ""}, {"SLY", "${HOST}"}});

}  // namespace

TEST_CASE("expand") {
  struct Case {
    std::string text;
    std::string expected;
  };
  const Case cases[] = {
      {"", ""},
      {"plain $ text $HOST $$", "plain $ text $HOST $$"},
      {"${HOST}", "backend"},
      {"http://${HOST}:${PORT}/", "http://backend:8000/"},
      {"${NONE:-1h}", "1h"},
      {"${HOST:-other}", "backend"},
      {"${EMPTY:-other}", "other"},
      {"${EMPTY}", ""},
      {"${NONE:-}", ""},
      {"${NONE:-a:-b}", "a:-b"},
      {"${SLY}", "${HOST}"},
      {"$${HOST}", "${HOST}"},
      {"a$${b}${HOST}", "a${b}backend"},
      {"$$${HOST}", "$${HOST}"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto expanded = expand(c.text, environment);
    REQUIRE(std::holds_alternative<std::string>(expanded));
    CHECK(std::get<std::string>(expanded) == c.expected);
  }
}

TEST_CASE("expand refuses, with the offset") {
  struct Case {
    std::string text;
    std::size_t offset;
    std::string part_of_message;
  };
  const Case cases[] = {
      {"a${NONE}", 1, "NONE is not set"},
      {"${HOST", 0, "without its '}'"},
      {"x${}", 1, "the name of an environment"},
      {"${1A}", 0, "the name of an environment"},
      {"${HOST-x}", 0, "the name of an environment"},
      {"${ HOST }", 0, "the name of an environment"},
      {"${NONE:-${HOST}}", 0, "another '${'"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto expanded = expand(c.text, environment);
    const auto* wrong = std::get_if<ExpandError>(&expanded);
    REQUIRE(wrong);
    CHECK(wrong->offset == c.offset);
    CHECK_MESSAGE(wrong->message.find(c.part_of_message) != std::string::npos, wrong->message);
  }
}
