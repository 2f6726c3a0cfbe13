#include "session/request_id.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "session/span.hpp"

namespace larder::session {
namespace {

TEST_CASE("RequestId: the client's own is kept when it is one token of up to 128 bytes") {
  struct Case {
    std::string sent;
    bool is_kept;
  };
  const Case cases[] = {
      {"a", true},
      {"7f3c2a9e-8f0b-4c11-9a5e-000000000001", true},
      {std::string(128, 'a'), true},
      {std::string(129, 'a'), false},
      {"", false},
      {"a b", false},
      {"a,b", false},
      {"a\"b", false},
      {"a\xc3\xa9", false},
  };
  Random random;
  for (const Case& c : cases) {
    CAPTURE(c.sent);
    http::Fields fields;
    fields.add(http::FieldName::x_request_id, c.sent);
    RequestId id;
    id.take_or_make(fields, random);
    CHECK(id.is_the_clients() == c.is_kept);
    CHECK((id.text() == c.sent) == c.is_kept);
    CHECK(std::string(id.line()) == "X-Request-ID: " + std::string(id.text()) + "\r\n");
  }
}

TEST_CASE("RequestId: a made one is 32 hexadecimal digits, and never the same") {
  Random random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    RequestId id;
    id.take_or_make({}, random);
    CHECK(id.text().size() == 32);
    CHECK(id.text().find_first_not_of("0123456789abcdef") == std::string_view::npos);
    seen.insert(std::string(id.text()));
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("begin_span: the caller decides, and chance where there is none") {
  constexpr std::string_view sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  constexpr std::string_view unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  Random random;
  const auto begin = [&](const std::vector<std::string_view>& sent, unsigned chosen) {
    http::Fields fields;
    for (const std::string_view value : sent) fields.add(http::FieldName::traceparent, value);
    return begin_span(fields, chosen, random);
  };
  const std::optional<Span> joined = begin({sampled}, 0);
  REQUIRE(joined);
  CHECK(joined->trace_id() == sampled.substr(3, 32));
  CHECK(joined->parent_id() == sampled.substr(36, 16));
  CHECK(joined->id() != joined->parent_id());
  CHECK(http::parse_trace_parent(joined->trace_parent()));
  CHECK_FALSE(begin({unsampled}, 1'000'000));
  CHECK_FALSE(begin({}, 0));
  const std::optional<Span> begun = begin({}, 1'000'000);
  REQUIRE(begun);
  CHECK(begun->parent_id().empty());
  CHECK(http::parse_trace_parent(begun->trace_parent()));
  // Two of them, or one that is none, count as none (W3C Trace Context 4.3).
  CHECK_FALSE(begin({sampled, sampled}, 0));
  CHECK_FALSE(begin({"poison"}, 0));
}

}  // namespace
}  // namespace larder::session
