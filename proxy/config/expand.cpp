#include "config/expand.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace larder::config {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
  });
}

}  // namespace

std::variant<std::string, ExpandError> expand(std::string_view text,
                                              const Environment& environment) {
  std::string expanded;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = text.find("${", at);
    if (start == std::string_view::npos) break;
    expanded += text.substr(at, start - at);
    if (start > at && text[start - 1] == '$') {
      expanded += '{';  // the first "$" of "$${" is there already
      at = start + 2;
      continue;
    }
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return ExpandError{start, "'${' without its '}'"};
    const std::string_view inside = text.substr(start + 2, end - start - 2);
    const std::size_t colon = inside.find(":-");
    const bool has_default = colon != std::string_view::npos;
    const std::string_view fallback = has_default ? inside.substr(colon + 2) : std::string_view();
    const std::string name(inside.substr(0, colon));
    if (!is_name(name)) {
      return ExpandError{start,
                         "'${…}' takes the name of an environment variable: ${NAME} or "
                         "${NAME:-default} (a literal '${' is written '$${')"};
    }
    if (fallback.find("${") != std::string_view::npos) {
      return ExpandError{start, "the default of ${" + name + "} cannot contain another '${'"};
    }
    const std::optional<std::string> value = environment(name);
    if (!value && !has_default) {
      std::string message = "the environment variable " + name;
      message += " is not set and has no default: set it, or write ${" + name + ":-default}";
      return ExpandError{start, std::move(message)};
    }
    if (value && !(value->empty() && has_default)) {
      expanded += *value;
    } else {
      expanded += fallback;
    }
    at = end + 1;
  }
  expanded += text.substr(std::min(at, text.size()));
  return expanded;
}

}  // namespace larder::config
