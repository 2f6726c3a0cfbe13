// Nearest: which known word a misspelt one was meant to be.
#include "policy/nearest.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace larder::policy;

TEST_CASE("edit_distance: letters changed, added, left out, swapped") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("ttl", "ttl") == 0);
  CHECK(edit_distance("tll", "ttl") == 1);
  CHECK(edit_distance("tlt", "ttl") == 1);
  CHECK(edit_distance("tt", "ttl") == 1);
  CHECK(edit_distance("ttll", "ttl") == 1);
  CHECK(edit_distance("Redis-Timeout", "redis_timeout") == 0);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("nearest: near enough to be meant, or nothing") {
  struct Case {
    std::string word;
    std::string expected;
  };
  const Case cases[] = {
      {"tll", "ttl"},
      {"paht", "path"},
      {"evict", "evict_on"},
      {"evict-on", "evict_on"},
      {"paths", "path"},
      {"first_byte", "first_byte_timeout"},
      {"shared", "share"},
      {"x", ""},
      {"", ""},
      {"zzz", ""},
      {"something", ""},
      {std::string(200, 'p'), ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.word);
    CHECK(nearest(c.word, {"path", "ttl", "evict_on", "share", "first_byte_timeout"}) ==
          c.expected);
  }
  CHECK(suggest_nearest("tll", {"ttl"}) == " (did you mean 'ttl'?)");
  CHECK(suggest_nearest("zzz", {"ttl"}).empty());
}
