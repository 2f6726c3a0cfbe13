#include "http/weighted_list.hpp"

namespace larder::http {

std::optional<int> parse_qvalue(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return {};
  if (text.size() > 1 && text[1] != '.') return {};
  int weight = 0;
  for (const std::size_t at : {0U, 2U, 3U, 4U}) {
    const char c = at < text.size() ? text[at] : '0';
    if (!grammar::is(c, grammar::digit)) return {};
    weight = weight * 10 + (c - '0');
  }
  return weight <= full_weight ? std::optional(weight) : std::nullopt;
}

std::optional<int> parse_weight(std::string_view text) {
  text = grammar::trim(text);
  if (text.empty()) return full_weight;
  if (text.front() != ';') return {};
  text = grammar::trim(text.substr(1));
  if (text.size() < 2 || grammar::to_lower(text[0]) != 'q' || text[1] != '=') return {};
  return parse_qvalue(text.substr(2));
}

}  // namespace larder::http
