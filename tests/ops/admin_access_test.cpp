#include "ops/admin_access.hpp"

#include <string_view>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

constexpr std::string_view token = "0123456789abcdef";
constexpr std::string_view shown = "Bearer 0123456789abcdef";

TEST_CASE("decide_admin_access: who may ask for what") {
  struct Case {
    std::string_view name;
    bool is_exposed;
    Need need;
    AdminCaller caller;
    unsigned status;  ///< 0: it may
  };
  const Case cases[] = {
      // On loopback.
      {"reads by address", false, Need::reading, {"127.0.0.1:9180", "", ""}, 0},
      {"reads by address of version 6", false, Need::reading, {"[::1]:9180", "", ""}, 0},
      {"reads by localhost", false, Need::reading, {"LocalHost:9180", "", ""}, 0},
      {"reads by a page's name that was rebound",
       false,
       Need::reading,
       {"evil.example", "", ""},
       403},
      {"reads by a name that looks like an address",
       false,
       Need::reading,
       {"127.0.0.1.x", "", ""},
       403},
      {"probes by another name", false, Need::nothing, {"evil.example", "", ""}, 403},
      {"without Host", false, Need::nothing, {"", "", ""}, 400},
      {"changes without a token", false, Need::changing, {"127.0.0.1", "", ""}, 401},
      {"changes with another token", false, Need::changing, {"127.0.0.1", "", "Bearer no"}, 401},
      {"changes with the token", false, Need::changing, {"127.0.0.1", "", shown}, 0},
      {"changes from its own page",
       false,
       Need::changing,
       {"127.0.0.1:9180", "http://127.0.0.1:9180", shown},
       0},
      {"changes from another page",
       false,
       Need::changing,
       {"127.0.0.1:9180", "http://evil.example", shown},
       403},
      {"changes from another port",
       false,
       Need::changing,
       {"127.0.0.1:9180", "http://127.0.0.1:80", shown},
       403},
      {"changes from a sandboxed page",
       false,
       Need::changing,
       {"127.0.0.1:9180", "null", shown},
       403},
      {"reads from another page, which cannot see the answer",
       false,
       Need::reading,
       {"127.0.0.1", "http://evil.example", ""},
       0},
      // Where others can connect.
      {"probes", true, Need::nothing, {"larder:9180", "", ""}, 0},
      {"reads without a token", true, Need::reading, {"larder:9180", "", ""}, 401},
      {"reads with the token", true, Need::reading, {"larder:9180", "", shown}, 0},
      {"changes with the token there", true, Need::changing, {"larder:9180", "", shown}, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto denied = decide_admin_access({std::string(token), c.is_exposed}, c.need, c.caller);
    CHECK((denied ? denied->status : 0) == c.status);
  }
}

TEST_CASE("decide_admin_access: without a token nothing can be changed, and it says what to do") {
  const auto denied = decide_admin_access({}, Need::changing, {"127.0.0.1", "", "Bearer "});
  REQUIRE(denied);
  CHECK(denied->status == 403);
  CHECK(denied->reason.find("LARDER_ADMIN_TOKEN") != std::string_view::npos);
}

}  // namespace
}  // namespace larder::ops
