// Accept-Language: which of the languages on offer a client would be given (RFC 9110 12.5.4, RFC
// 4647), so that browsers do not each get a variant of their own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder::http {

/// The normalised form of an Accept-Language value against the `offered` language tags: the one
/// that the client would rather have, as it is written there. Ranges are tried by their weight,
/// each by lookup (RFC 4647 3.4: de-CH-1996, de-CH, de), then by its primary language alone (de-CH
/// takes de-AT before it goes on to the next range: so does Django). Nothing: no preference that
/// the origin could follow ("*", none on offer, malformed), as if the field were absent.
///
/// With nothing offered: the same list in lower case, by weight and without whitespace. What does
/// not parse stays as it is.
///
/// A view into `offered` or `value`, or into `room`, which is written to for such a list alone.
[[nodiscard]] std::optional<std::string_view> normalise_accept_language(
    std::string_view value, std::span<const std::string> offered, std::string& room);

}  // namespace larder::http
