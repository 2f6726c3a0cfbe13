#include "identity/access_token.hpp"

#include <string_view>

#include <doctest/doctest.h>

namespace larder::identity {
namespace {

TEST_CASE("shows_token: the scheme in any case, the token as it is") {
  struct Case {
    std::string_view name;
    std::string_view authorization;
    bool expected;
  };
  constexpr std::string_view token = "0123456789abcdef";
  const Case cases[] = {
      {"the token", "Bearer 0123456789abcdef", true},
      {"the scheme in another case", "bearer 0123456789abcdef", true},
      {"another token of the same length", "Bearer 0123456789abcdeF", false},
      {"a part of it", "Bearer 0123456789abcde", false},
      {"more than it", "Bearer 0123456789abcdef0", false},
      {"two of them in one field", "Bearer 0123456789abcdef, Bearer x", false},
      {"another scheme", "Basic 0123456789abcdef", false},
      {"the token alone", "0123456789abcdef", false},
      {"the scheme alone", "Bearer ", false},
      {"nothing", "", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(shows_token(c.authorization, token) == c.expected);
  }
  // Where there is no token, nothing shows it.
  CHECK_FALSE(shows_token("Bearer ", ""));
  CHECK_FALSE(shows_token("Bearer x", ""));
}

}  // namespace
}  // namespace larder::identity
