#include "policy/stored_response.hpp"

#include <cstring>
#include <utility>

namespace larder::policy {

SharedBytes SharedBytes::copy_of(std::string_view text) {
  if (text.empty()) return {};
  std::shared_ptr<char[]> bytes = std::make_shared_for_overwrite<char[]>(text.size());
  std::memcpy(bytes.get(), text.data(), text.size());
  return {std::move(bytes), text.size()};
}

}  // namespace larder::policy
