#include "ops/purge_request.hpp"

#include <string_view>

#include <doctest/doctest.h>

namespace larder::ops {
namespace {

using policy::PurgeKind;

TEST_CASE("parse_purge_request: each target, and back again") {
  struct Case {
    std::string_view json;
    PurgeRequest expected;
  };
  const Case cases[] = {
      {R"({"url":"/api/items/"})", {{PurgeKind::url, "/api/items/"}, false}},
      {R"({"prefix":"/api/","dry_run":true})", {{PurgeKind::prefix, "/api/"}, true}},
      {R"({"rule":"items"})", {{PurgeKind::rule, "items"}, false}},
      {R"({"tag":"a\"b"})", {{PurgeKind::tag, "a\"b"}, false}},
      {R"({"all":true})", {{PurgeKind::everything, ""}, false}},
      {R"({"url":"/a/","soft":true})",
       {{PurgeKind::url, "/a/"}, false, policy::PurgeStrength::soft}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.json);
    const auto parsed = parse_purge_request(c.json);
    const auto* request = std::get_if<PurgeRequest>(&parsed);
    REQUIRE(request);
    CHECK(*request == c.expected);
    CHECK(format_purge_request(*request) == c.json);
  }
  CHECK(std::holds_alternative<PurgeRequest>(
      parse_purge_request(R"({"url": "/a/", "soft": false, "all": false})")));
}

TEST_CASE("parse_purge_request: what it refuses") {
  struct Case {
    std::string_view json;
    std::string_view part;
  };
  const Case cases[] = {
      {"", "a JSON object is expected"},
      {"[]", "a JSON object is expected"},
      {R"({"url": "/a/"} {})", "a JSON object is expected"},
      {"{}", "exactly one of"},
      {R"({"dry_run": true})", "exactly one of"},
      {R"({"all": false})", "exactly one of"},
      {R"({"url": "/a/", "all": true})", "exactly one of"},
      {R"({"url": "/a/", "tag": "t"})", "exactly one of"},
      {R"({"url": 3})", "url: no text"},
      {R"({"all": "yes"})", "all: true or false is expected"},
      {R"({"dryrun": true, "all": true})", "unknown member 'dryrun' (did you mean 'dry_run'?)"},
      {R"({"url": "/a/", "soft": 1})", "soft: true or false is expected"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.json);
    const auto parsed = parse_purge_request(c.json);
    const auto* bad = std::get_if<BadPurgeRequest>(&parsed);
    REQUIRE(bad);
    CHECK(bad->why.find(c.part) != std::string::npos);
  }
}

}  // namespace
}  // namespace larder::ops
