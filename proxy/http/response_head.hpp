// Response head: bytes from an origin -> ResponseHead, or the reason why not (RFC 9112 4, 6.3).
//
// As strict as the client edge: an origin that is unclear about framing is a bad gateway. Uses the
// same HeadScanner and field grammar. Status 100 to 599 (RFC 9110 15), three digits.
#pragma once

#include <string_view>

#include "http/request_head.hpp"

namespace larder::http {

/// `method` decides framing: answers to HEAD, 1xx, 204 and 304 have no content whatever their
/// fields say. Identical repeated Content-Length lines are refused too, as are CL with TE, TE other
/// than exactly "chunked", and TE in HTTP/1.0.
[[nodiscard]] HeadError parse_response_head(std::string_view bytes, const HeadLimits& limits,
                                            Method request_method, ResponseHead& head);

}  // namespace larder::http
