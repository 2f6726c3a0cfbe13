// base64url without padding (RFC 4648 5, RFC 7515 2), and no other way to write the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace larder::identity {

/// Nothing when a character is none of the alphabet (padding and line ends are not), when the
/// length fits no bytes, or when bits are set behind the last byte. Empty text is no bytes.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace larder::identity
