// Admin token: the secret that lets a request change something. No refusal repeats it.
#pragma once

#include <string>
#include <string_view>

#include "config/values.hpp"

namespace larder::config {

inline constexpr std::size_t shortest_admin_token = 16;
inline constexpr std::size_t longest_admin_token = 512;

/// Without the white space around it.
[[nodiscard]] Parsed<std::string> parse_admin_token(std::string_view text);
[[nodiscard]] Parsed<std::string> read_admin_token_file(const std::string& path);

}  // namespace larder::config
