// Preconditions: what a cache does with a client's conditions against a stored 2xx (RFC 9110 13,
// RFC 9111 4.3.2), and which of its fields a 304 carries (RFC 9110 15.4.5).
//
// Asked once a stored response is known to be usable, and only for a status of 2xx: conditions do
// not count against anything else (RFC 9110 13.2.1). Ranges come after: policy/ranges.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace larder::policy {

using SystemSeconds = std::chrono::sys_seconds;

/// What tells one representation of a stored response from another. Views into its head.
struct Validators {
  std::string_view etag{};           ///< as received; empty: none
  std::string_view last_modified{};  ///< as received; empty: none
  SystemSeconds date{};              ///< its Date; when it arrived, where that is no date
};

/// From a stored head ("Name: value\r\n"...). A field that is there twice with different values
/// says nothing and counts as absent.
[[nodiscard]] Validators read_validators(std::string_view head, SystemSeconds response_time);

struct PreconditionDecision {
  enum class Answer : std::uint8_t {
    send_whole,    ///< 200, or what ranges make of it
    not_modified,  ///< 304
    pass_on,       ///< not for a cache to judge: the request goes to the origin as it is
  };
  enum class Reason : std::uint8_t {
    unconditional,
    any_representation,     ///< If-None-Match: *
    entity_tag_listed,      ///< If-None-Match names the stored one
    entity_tag_not_listed,  ///< If-Modified-Since does not count then
    not_modified_since,
    modified_since,
    date_ignored,    ///< an If-Modified-Since that is no date, or more than one
    for_the_origin,  ///< If-Match, If-Unmodified-Since
    method,          ///< neither GET nor HEAD
  };
  Answer answer = Answer::send_whole;
  Reason reason = Reason::unconditional;
  bool operator==(const PreconditionDecision&) const = default;
};

/// `now` is needed for dates with two-digit years only.
[[nodiscard]] PreconditionDecision decide_preconditions(const http::RequestHead& head,
                                                        const Validators& stored,
                                                        SystemSeconds now);

/// Appends the lines of a stored head that go into a 304. Left out is what describes the content
/// the client has already: Content-* (but for Content-Location and the security policies) and
/// digests; Last-Modified too, unless there is no ETag that would do in its place.
void append_not_modified_fields(std::string_view head, std::string& out);

}  // namespace larder::policy
