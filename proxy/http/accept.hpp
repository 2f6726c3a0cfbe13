// Accept: what a client prefers of what is on offer (RFC 9110 12.5.1), made into one of few classes
// so that browsers do not each get a variant of their own.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace larder::http {

/// The normalised form of an Accept value against `offered` media types in the server's order:
///  - "*/*" when the field is absent, empty, or accepts everything alike;
///  - the offered type that is preferred by quality, then by the specificity with which it was
///  named, then
///    by the order in which the client names it, then the server's order. An offered type matched
///    only by a wildcard loses to one that is named (browsers: text/html named, */*;q=0.8);
///  - otherwise (nothing offered is acceptable, or the value is malformed) the value itself in
///  lower
///    case without whitespace, prefixed by "=" so that it cannot equal one of the above.
[[nodiscard]] std::string normalise_accept(std::string_view value,
                                           std::span<const std::string> offered);

}  // namespace larder::http
