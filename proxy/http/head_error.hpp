// HeadError: why a head was refused, and what the client is told (RFC 9112, RFC 9110 15.5).
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::http {

enum class HeadError : std::uint8_t {
  none,
  bare_line_feed,
  bare_carriage_return,
  forbidden_byte,
  head_too_large,
  too_many_fields,
  target_too_long,
  malformed_request_line,
  malformed_method,
  malformed_target,
  fragment_in_target,
  unsupported_scheme,
  connect_refused,
  trace_refused,
  malformed_version,
  unsupported_version,
  malformed_field_name,
  whitespace_before_colon,
  obsolete_line_folding,
  malformed_field_value,
  missing_host,
  repeated_host,
  malformed_host,
  host_differs_from_target,
  malformed_content_length,
  conflicting_content_length,
  content_length_too_large,
  length_with_transfer_encoding,
  transfer_encoding_in_http_1_0,
  repeated_transfer_encoding,
  unknown_transfer_encoding,
  unknown_expectation,
  malformed_status_line,
  status_out_of_range,
};

/// One sentence without a final stop: "the Host field is missing".
[[nodiscard]] std::string_view describe(HeadError error);
/// What a client is answered with: 400, 405 (TRACE, CONNECT), 414, 417, 431, 501 or 505; 502 for
/// the two that only a response can have.
[[nodiscard]] std::uint16_t status_for(HeadError error);

}  // namespace larder::http
