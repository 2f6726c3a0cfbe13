// Access token: does a request show the one token that lets it change something?
#pragma once

#include <string_view>

namespace larder::identity {

/// `authorization`: the value of an Authorization field (RFC 6750 2.1); empty: there was none.
/// `token` empty: there is none to show, so no. How long it takes does not depend on where the two
/// differ.
[[nodiscard]] bool shows_token(std::string_view authorization, std::string_view token);

}  // namespace larder::identity
