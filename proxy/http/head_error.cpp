#include "http/head_error.hpp"

namespace larder::http {

std::string_view describe(HeadError error) {
  switch (error) {
    case HeadError::none:
      return "the head is well formed";
    case HeadError::bare_line_feed:
      return "a line feed stands without its carriage return";
    case HeadError::bare_carriage_return:
      return "a carriage return stands without its line feed";
    case HeadError::forbidden_byte:
      return "the head contains a NUL byte";
    case HeadError::head_too_large:
      return "the head is larger than allowed";
    case HeadError::too_many_fields:
      return "the head has more field lines than allowed";
    case HeadError::target_too_long:
      return "the request target is longer than allowed";
    case HeadError::malformed_request_line:
      return "the request line is not method, target and version with single spaces between";
    case HeadError::malformed_method:
      return "the method is not a token";
    case HeadError::malformed_target:
      return "the request target is in no form that fits the method";
    case HeadError::fragment_in_target:
      return "the request target contains a fragment";
    case HeadError::unsupported_scheme:
      return "the target's scheme is neither http nor https";
    case HeadError::connect_refused:
      return "CONNECT is not offered";
    case HeadError::trace_refused:
      return "TRACE is not offered";
    case HeadError::malformed_version:
      return "the version is not of the form HTTP/1.1";
    case HeadError::unsupported_version:
      return "the version is neither HTTP/1.0 nor HTTP/1.1";
    case HeadError::malformed_field_name:
      return "a field name is not a token before a colon";
    case HeadError::whitespace_before_colon:
      return "whitespace stands before a field's colon";
    case HeadError::obsolete_line_folding:
      return "a line begins with whitespace";
    case HeadError::malformed_field_value:
      return "a field value contains a control character";
    case HeadError::missing_host:
      return "the Host field is missing";
    case HeadError::repeated_host:
      return "the Host field is repeated";
    case HeadError::malformed_host:
      return "the host is empty or malformed";
    case HeadError::host_differs_from_target:
      return "the Host field differs from the target's host";
    case HeadError::malformed_content_length:
      return "Content-Length is not one decimal number";
    case HeadError::conflicting_content_length:
      return "Content-Length is repeated";
    case HeadError::content_length_too_large:
      return "Content-Length is beyond 2^63-1";
    case HeadError::length_with_transfer_encoding:
      return "Content-Length and Transfer-Encoding are given together";
    case HeadError::transfer_encoding_in_http_1_0:
      return "HTTP/1.0 has no Transfer-Encoding";
    case HeadError::repeated_transfer_encoding:
      return "Transfer-Encoding is repeated";
    case HeadError::unknown_transfer_encoding:
      return "the only transfer coding understood is \"chunked\", given once";
    case HeadError::unknown_expectation:
      return "the only expectation understood is 100-continue";
    case HeadError::malformed_status_line:
      return "the status line is not version, three digits and reason";
    case HeadError::status_out_of_range:
      return "the status is not from 100 to 599";
  }
  return {};
}

std::uint16_t status_for(HeadError error) {
  switch (error) {
    case HeadError::connect_refused:
    case HeadError::trace_refused:
      return 405;
    case HeadError::target_too_long:
      return 414;
    case HeadError::unknown_expectation:
      return 417;
    case HeadError::head_too_large:
    case HeadError::too_many_fields:
      return 431;
    case HeadError::unknown_transfer_encoding:
      return 501;
    case HeadError::malformed_status_line:
    case HeadError::status_out_of_range:
      return 502;
    case HeadError::unsupported_version:
      return 505;
    case HeadError::none:
    case HeadError::bare_line_feed:
    case HeadError::bare_carriage_return:
    case HeadError::forbidden_byte:
    case HeadError::malformed_request_line:
    case HeadError::malformed_method:
    case HeadError::malformed_target:
    case HeadError::fragment_in_target:
    case HeadError::unsupported_scheme:
    case HeadError::malformed_version:
    case HeadError::malformed_field_name:
    case HeadError::whitespace_before_colon:
    case HeadError::obsolete_line_folding:
    case HeadError::malformed_field_value:
    case HeadError::missing_host:
    case HeadError::repeated_host:
    case HeadError::malformed_host:
    case HeadError::host_differs_from_target:
    case HeadError::malformed_content_length:
    case HeadError::conflicting_content_length:
    case HeadError::content_length_too_large:
    case HeadError::length_with_transfer_encoding:
    case HeadError::transfer_encoding_in_http_1_0:
    case HeadError::repeated_transfer_encoding:
      return 400;
  }
  return 400;
}

}  // namespace larder::http
