#include "config/admin_token.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace larder::config {

namespace {

bool is_visible(char letter) {
  return letter > ' ' && letter <= '~';
}

/// As shells and editors leave it: with a line end.
std::string_view without_space(std::string_view text) {
  while (!text.empty() && !is_visible(text.back())) text.remove_suffix(1);
  while (!text.empty() && !is_visible(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

Parsed<std::string> parse_admin_token(std::string_view text) {
  const std::string_view token = without_space(text);
  if (token.size() < shortest_admin_token || token.size() > longest_admin_token)
    return Refused{"the token has " + std::to_string(token.size()) + " characters; " +
                   std::to_string(shortest_admin_token) + " to " +
                   std::to_string(longest_admin_token) +
                   " are needed, such as `openssl rand -hex 32` makes"};
  if (!std::all_of(token.begin(), token.end(), is_visible))
    return Refused{"the token has characters that a field cannot carry; letters and digits do"};
  return std::string(token);
}

Parsed<std::string> read_admin_token_file(const std::string& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text(longest_admin_token + 64, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad())
    return Refused{quote(path) + " cannot be read: " + std::strerror(errno == 0 ? EIO : errno)};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_admin_token(text);
}

}  // namespace larder::config
