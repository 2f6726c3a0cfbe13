#include "http/head_error.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

constexpr int last_error = static_cast<int>(HeadError::status_out_of_range);

TEST_CASE("every head error has a sentence of its own, without a final stop") {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= last_error; ++i) {
    CAPTURE(i);
    const std::string_view sentence = describe(static_cast<HeadError>(i));
    REQUIRE(!sentence.empty());
    CHECK(sentence.back() != '.');
    CHECK(sentences.insert(sentence).second);
  }
}

TEST_CASE("status_for") {
  struct Case {
    std::string_view name;
    HeadError error;
    int status;
  };
  const Case cases[] = {
      {"a syntax error is a bad request (9110 15.5.1)", HeadError::malformed_request_line, 400},
      {"so is any doubt about framing (9112 6.3)", HeadError::length_with_transfer_encoding, 400},
      {"so is a missing Host (9112 3.2)", HeadError::missing_host, 400},
      {"so is a length nobody can count", HeadError::content_length_too_large, 400},
      {"TRACE is not allowed (9110 15.5.6)", HeadError::trace_refused, 405},
      {"CONNECT is not allowed (9110 15.5.6)", HeadError::connect_refused, 405},
      {"a target can be too long (9110 15.5.15)", HeadError::target_too_long, 414},
      {"an expectation can fail (9110 15.5.18)", HeadError::unknown_expectation, 417},
      {"a head can be too large (6585 5)", HeadError::head_too_large, 431},
      {"a head can have too many fields (6585 5)", HeadError::too_many_fields, 431},
      {"an unknown coding is not implemented (9112 6.1)", HeadError::unknown_transfer_encoding,
       501},
      {"a version can be unsupported (9110 15.6.6)", HeadError::unsupported_version, 505},
      {"a bad response is the gateway's", HeadError::malformed_status_line, 502},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(status_for(c.error) == c.status);
  }
  for (int i = 1; i <= last_error; ++i) {
    CAPTURE(i);
    CHECK(status_for(static_cast<HeadError>(i)) >= 400);
  }
}

}  // namespace
}  // namespace larder::http
