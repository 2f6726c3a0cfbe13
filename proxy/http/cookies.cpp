#include "http/cookies.hpp"

#include <algorithm>

namespace larder::http {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

/// Calls `visit(value)` for each cookie of that name until it returns false.
template <class Visit>
void visit_cookies(const Fields& fields, std::string_view name, const Visit& visit) {
  for (const FieldLine& line : fields) {
    if (line.id != FieldName::cookie) continue;
    std::string_view rest = line.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (!pair.empty() && is_space(pair.front())) pair.remove_prefix(1);
      while (!pair.empty() && is_space(pair.back())) pair.remove_suffix(1);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view found = pair.substr(0, equals);
      while (!found.empty() && is_space(found.back())) found.remove_suffix(1);
      if (found == name && !visit(pair.substr(equals + 1))) return;
    }
  }
}

}  // namespace

std::optional<std::string_view> find_cookie(const Fields& fields, std::string_view name) {
  std::optional<std::string_view> value;
  visit_cookies(fields, name, [&](std::string_view found) {
    value = found;
    return false;
  });
  return value;
}

std::size_t count_cookies(const Fields& fields, std::string_view name) {
  std::size_t count = 0;
  visit_cookies(fields, name, [&](std::string_view) {
    ++count;
    return true;
  });
  return count;
}

}  // namespace larder::http
