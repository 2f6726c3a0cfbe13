#include "policy/named_resources.hpp"

#include <doctest/doctest.h>

#include "support/heads.hpp"

namespace larder::policy {
namespace {

TEST_CASE("named_resources: what an answer names on its own host") {
  struct Case {
    const char* name;
    const char* field;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {"an absolute path", "Location: /api/a/7/", {"/api/a/7/"}},
      {"its query does not count", "Location: /api/a/7/?x=1#y", {"/api/a/7/"}},
      {"the same host", "Location: http://api.example/api/a/7/", {"/api/a/7/"}},
      {"the same host in another case", "Location: HTTPS://API.Example/api/a/7/", {"/api/a/7/"}},
      {"the host a proxy before us was asked by",
       "Location: https://public.example/api/a/7/",
       {"/api/a/7/"}},
      {"another host", "Location: http://other.example/api/a/7/", {}},
      {"another port", "Location: http://api.example:81/api/a/7/", {}},
      {"another host without scheme", "Location: //other.example/api/a/7/", {}},
      {"a host without path", "Content-Location: //api.example", {"/"}},
      {"relative to the request", "Content-Location: 7/", {"/api/a/7/"}},
      {"nothing", "Location: ", {}},
      {"no such field", "X-Location: /api/a/7/", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const test::Response answer({"HTTP/1.1 201 Created", c.field});
    CHECK(named_resources(answer.head.fields, {"api.example", "public.example"}, "/api/a/") ==
          c.expected);
  }
}

}  // namespace
}  // namespace larder::policy
