// Weighted lists: the members of Accept-Encoding and Accept-Language, and the weight that each of
// them, and of Accept, may have (RFC 9110 12.4.2, 5.6.1).
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "http/grammar.hpp"

namespace larder::http {

inline constexpr int full_weight = 1000;

/// qvalue in thousandths: "0" or "1", at most three digits behind a point. Nothing: malformed.
[[nodiscard]] std::optional<int> parse_qvalue(std::string_view text);

/// What stands behind a member: `;q=` and a qvalue, or nothing at all, which is `full_weight`.
/// Nothing: malformed.
[[nodiscard]] std::optional<int> parse_weight(std::string_view text);

/// The members of a list, trimmed; empty ones are ignored (RFC 9110 5.6.1.2). For fields whose
/// members contain no quoted comma. False as soon as `take` is.
template <typename Take>
bool for_each_member(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view member = grammar::trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (!member.empty() && !take(member)) return false;
  }
  return true;
}

}  // namespace larder::http
