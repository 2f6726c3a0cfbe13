// Sending: a stored response to a client, as far as the client needs it: whole, as a 304, or in
// parts (RFC 9110 13, 14), as stored or decoded.
#pragma once

#include <optional>

#include "policy/stored_response.hpp"
#include "session/answer.hpp"

namespace larder::session {

/// `age`: to be told; nothing: the origin has made the response for this request. `now` is needed
/// for dates with two-digit years only.
[[nodiscard]] awaitable<After> send_stored(Answer& answer, const http::RequestHead& request,
                                           policy::StoredResponsePointer stored,
                                           std::optional<seconds> age, policy::SystemSeconds now);

}  // namespace larder::session
