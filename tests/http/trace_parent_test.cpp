#include "http/trace_parent.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

TEST_CASE("parse_trace_parent: W3C Trace Context 3.2") {
  struct Case {
    std::string name;
    std::string value;
    bool is_one;
    bool is_sampled = false;
  };
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00f067aa0ba902b7";
  const std::string ids = trace + "-" + parent;
  const Case cases[] = {
      {"sampled", "00-" + ids + "-01", true, true},
      {"not sampled", "00-" + ids + "-00", true, false},
      {"sampled, among other flags", "00-" + ids + "-03", true, true},
      {"other flags alone", "00-" + ids + "-02", true, false},
      {"a later version", "cc-" + ids + "-01", true, true},
      {"a later version with more", "cc-" + ids + "-01-more", true, true},
      {"a later version that goes on without a dash", "cc-" + ids + "-01more", false},
      {"version 00 with more", "00-" + ids + "-01-more", false},
      {"version ff", "ff-" + ids + "-01", false},
      {"capital letters", "00-4BF92f3577b34da6a3ce929d0e0e4736-" + parent + "-01", false},
      {"no hexadecimal digits", "00-" + trace + "-00f067aa0ba902bx-01", false},
      {"a trace of zeros", "00-" + std::string(32, '0') + "-" + parent + "-01", false},
      {"a parent of zeros", "00-" + trace + "-" + std::string(16, '0') + "-01", false},
      {"flags that are none", "00-" + ids + "-0x", false},
      {"another delimiter", "00_" + ids + "-01", false},
      {"too short", "00-" + ids + "-0", false},
      {"nothing", "", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::optional<TraceParent> parsed = parse_trace_parent(c.value);
    CHECK(parsed.has_value() == c.is_one);
    if (!parsed) continue;
    CHECK(parsed->is_sampled == c.is_sampled);
    CHECK(parsed->trace_id == trace);
    CHECK(parsed->parent_id == parent);
  }
}

}  // namespace
}  // namespace larder::http
