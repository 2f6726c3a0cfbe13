// Asker: who a request comes from, as one number, without asking whether that is true.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "http/message.hpp"

namespace larder::session {

/// A hash of Authorization and of the cookies that tell users apart; zero: nothing does.
[[nodiscard]] std::uint64_t hash_credentials(const http::Fields& fields,
                                             std::span<const std::string> session_cookies);

}  // namespace larder::session
