// Stored lines: reading the field lines of a head that is kept ready to send ("Name:
// value\r\n"...).
//
// For the units that answer with some of them. Such a head was parsed once and rendered by us, so
// nothing is checked here; a last line without its end counts as one.
#pragma once

#include <algorithm>
#include <string_view>

#include "http/field_name.hpp"
#include "http/grammar.hpp"

namespace larder::policy {

struct StoredLine {
  http::FieldName id = http::FieldName::unknown;
  std::string_view name;
  std::string_view value;  ///< without surrounding whitespace
  std::string_view text;   ///< the whole line with its CRLF
};

template <typename Take>
void for_each_line(std::string_view head, Take take) {
  while (!head.empty()) {
    const std::size_t size = std::min(head.find('\n'), head.size() - 1) + 1;
    const std::string_view text = head.substr(0, size);
    head.remove_prefix(size);
    const std::size_t colon = std::min(text.find(':'), text.size());
    std::string_view value = text.substr(std::min(colon + 1, text.size()));
    while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
    const std::string_view name = text.substr(0, colon);
    take(StoredLine{http::parse_field_name(name), name, http::grammar::trim(value), text});
  }
}

}  // namespace larder::policy
