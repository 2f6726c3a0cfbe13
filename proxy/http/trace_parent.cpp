#include "http/trace_parent.hpp"

#include <cstddef>

namespace larder::http {

namespace {

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

// "00-TRACE-PARENT-FLAGS"; later versions may have more behind it (3.2.4).
std::optional<TraceParent> parse_trace_parent(std::string_view value) {
  constexpr std::size_t size = 55;
  if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-')
    return std::nullopt;
  const std::string_view version = value.substr(0, 2);
  if (!is_hex(version) || version == "ff") return std::nullopt;
  if (value.size() > size && (version == "00" || value[size] != '-')) return std::nullopt;
  const TraceParent parsed{
      .trace_id = value.substr(3, 32),
      .parent_id = value.substr(36, 16),
      .is_sampled = std::string_view("13579bdf").find(value[54]) != std::string_view::npos};
  if (!is_id(parsed.trace_id) || !is_id(parsed.parent_id) || !is_hex(value.substr(53, 2)))
    return std::nullopt;
  return parsed;
}

}  // namespace larder::http
