// Cookies: the pairs of a request's Cookie fields (RFC 6265 4.2.1, 5.4).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace larder::http {

/// The value of the cookie of that name, as sent; the first when it repeats.
[[nodiscard]] std::optional<std::string_view> find_cookie(const Fields& fields,
                                                          std::string_view name);

/// How often a cookie of that name is sent: which one counts is for each server to say.
[[nodiscard]] std::size_t count_cookies(const Fields& fields, std::string_view name);

}  // namespace larder::http
