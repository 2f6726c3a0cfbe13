#include "http/content_coding.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

constexpr int full_weight = 1000;

/// RFC 9110 8.4.1.1, 8.4.1.3: the recipient SHOULD consider "x-" forms of these two equivalent.
std::string_view without_alias(std::string_view coding) {
  if (equals_ignoring_case(coding, "x-gzip") || equals_ignoring_case(coding, "x-compress"))
    coding.remove_prefix(2);
  return coding;
}

bool is_same_coding(std::string_view a, std::string_view b) {
  return equals_ignoring_case(without_alias(a), without_alias(b));
}

/// The members of a list, trimmed; empty ones are ignored (RFC 9110 5.6.1.2). No member of these
/// two fields can contain a quoted comma. False as soon as `take` is.
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

/// qvalue in thousandths (RFC 9110 12.4.2): "0" or "1", at most three digits behind a point.
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

/// weight = OWS ";" OWS "q=" qvalue, where it is there.
std::optional<int> parse_weight(std::string_view text) {
  text = grammar::trim(text);
  if (text.empty()) return full_weight;
  if (text.front() != ';') return {};
  text = grammar::trim(text.substr(1));
  if (text.size() < 2 || grammar::to_lower(text[0]) != 'q' || text[1] != '=') return {};
  return parse_qvalue(text.substr(2));
}

}  // namespace

AcceptEncoding::AcceptEncoding(const Fields& request) {
  for (const FieldLine& line : request) {
    if (line.id == FieldName::accept_encoding) add_members(line.value);
  }
}

AcceptEncoding::AcceptEncoding(std::optional<std::string_view> value) {
  if (value) add_members(*value);
}

void AcceptEncoding::add_members(std::string_view value) {
  is_absent_ = false;
  for_each_member(value, [this](std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && grammar::is(text[end], grammar::token)) ++end;
    const std::string_view coding = text.substr(0, end);
    const std::optional<int> weight = parse_weight(text.substr(end));
    if (!coding.empty() && weight) members_.push_back({coding, *weight});
    return true;
  });
}

int AcceptEncoding::weight(std::string_view coding) const {
  if (is_absent_) return full_weight;
  std::optional<int> named;
  std::optional<int> any;
  for (const Member& member : members_) {
    std::optional<int>& slot = member.coding == "*" ? any : named;
    if (member.coding == "*" || is_same_coding(member.coding, coding))
      slot = std::min(slot.value_or(full_weight), member.weight);
  }
  if (named) return *named;
  if (any) return *any;
  return equals_ignoring_case(coding, "identity") ? 1 : 0;
}

bool AcceptEncoding::accepts(std::string_view content_encoding) const {
  if (!is_coded(content_encoding)) return weight("identity") > 0;
  return for_each_member(content_encoding,
                         [this](std::string_view coding) { return weight(coding) > 0; });
}

bool AcceptEncoding::prefers(std::string_view coding) const {
  if (is_absent_) return false;
  const int wish = weight(coding);
  return wish > 0 && wish >= weight("identity");
}

std::string_view AcceptEncoding::normal_form() const {
  return prefers("gzip") ? "gzip" : "identity";
}

bool is_coded(std::string_view content_encoding) {
  return !for_each_member(content_encoding, [](std::string_view coding) {
    return equals_ignoring_case(coding, "identity");
  });
}

}  // namespace larder::http
