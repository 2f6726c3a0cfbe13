#include "policy/path_shape.hpp"

#include <algorithm>

namespace larder::policy {

bool is_int_segment(std::string_view segment) {
  return !segment.empty() && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_uuid_segment(std::string_view segment) {
  constexpr std::string_view model = "00000000-0000-0000-0000-000000000000";
  if (segment.size() != model.size()) return false;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const bool is_hex =
        (segment[i] >= '0' && segment[i] <= '9') || (segment[i] >= 'a' && segment[i] <= 'f');
    if (model[i] == '-' ? segment[i] != '-' : !is_hex) return false;
  }
  return true;
}

std::string path_shape(std::string_view path) {
  std::string shape;
  shape.reserve(path.size());
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (is_int_segment(segment)) {
      shape += "<int>";
    } else if (is_uuid_segment(segment)) {
      shape += "<uuid>";
    } else {
      shape += segment;
    }
    if (end < path.size()) shape += '/';
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return shape;
}

std::string_view literal_prefix(std::string_view shape) {
  return shape.substr(0, std::min(shape.find('<'), shape.size()));
}

}  // namespace larder::policy
