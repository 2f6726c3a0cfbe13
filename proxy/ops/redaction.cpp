#include "ops/redaction.hpp"

#include <algorithm>
#include <charconv>

namespace larder::ops {

namespace {

constexpr std::string_view hidden_value = "***";

/// Does `written`, as it stands in a query, name this parameter?
bool names(std::string_view written, std::string_view name) {
  while (!written.empty() && !name.empty()) {
    auto byte = static_cast<unsigned char>(written.front());
    std::size_t size = 1;
    if (byte == '%' && written.size() >= 3) {
      const char* const digits = written.data() + 1;
      if (std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) size = 3;
    }
    if (byte != static_cast<unsigned char>(name.front())) return false;
    written.remove_prefix(size);
    name.remove_prefix(1);
  }
  return written.empty() && name.empty();
}

bool is_hidden(std::string_view written, const std::vector<std::string>& hidden) {
  return std::any_of(hidden.begin(), hidden.end(),
                     [&](const std::string& name) { return names(written, name); });
}

/// Calls with each parameter's name, what stands before its value, and its value.
template <class Take>
void for_each_parameter(std::string_view query, const Take& take) {
  while (true) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    const std::size_t equals = parameter.find('=');
    const std::size_t value = equals == std::string_view::npos ? parameter.size() : equals + 1;
    take(parameter.substr(0, equals), parameter.substr(0, value), parameter.substr(value));
    if (end == query.size()) break;
    query.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view redact_query(std::string_view query, const std::vector<std::string>& hidden,
                              std::string& room) {
  if (query.empty() || hidden.empty()) return query;
  bool hides = false;
  for_each_parameter(query, [&](std::string_view name, std::string_view, std::string_view value) {
    hides = hides || (!value.empty() && is_hidden(name, hidden));
  });
  if (!hides) return query;
  room.clear();
  for_each_parameter(query,
                     [&](std::string_view name, std::string_view before, std::string_view value) {
                       if (before.data() != query.data()) room += '&';
                       room += before;
                       room += !value.empty() && is_hidden(name, hidden) ? hidden_value : value;
                     });
  return room;
}

std::string_view redact_url(std::string_view url, const std::vector<std::string>& hidden,
                            std::string& room) {
  const std::size_t mark = url.find('?');
  if (mark == std::string_view::npos) return url;
  std::string query;
  const std::string_view shown = redact_query(url.substr(mark + 1), hidden, query);
  if (shown.data() != query.data()) return url;
  room.assign(url.substr(0, mark + 1)).append(shown);
  return room;
}

}  // namespace larder::ops
