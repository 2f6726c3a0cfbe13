#include "policy/stored_response.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/message.hpp"

namespace larder::policy {

SharedBytes::SharedBytes(const SharedBytes& other) : data(other.data), size(other.size) {
  // Nobody owns what is lent.
  if (data && data.use_count() == 0) *this = copy_of(other.view());
}

SharedBytes SharedBytes::lend(std::string_view lasting) {
  if (lasting.empty()) return {};
  return {std::shared_ptr<const char[]>(std::shared_ptr<const char[]>(), lasting.data()),
          lasting.size()};
}

SharedBytes SharedBytes::copy_of(std::string_view text) {
  if (text.empty()) return {};
  std::shared_ptr<char[]> bytes = std::make_shared_for_overwrite<char[]>(text.size());
  std::memcpy(bytes.get(), text.data(), text.size());
  return {std::move(bytes), text.size()};
}

std::string_view StoredResponse::field(std::string_view name) const {
  for (std::string_view rest = head; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !http::equals_ignoring_case(line.substr(0, colon), name))
      continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

}  // namespace larder::policy
