#include "http/content_coding.hpp"

#include <algorithm>

#include "http/grammar.hpp"
#include "http/weighted_list.hpp"

namespace larder::http {
namespace {

/// RFC 9110 8.4.1.1, 8.4.1.3: the recipient SHOULD consider "x-" forms of these two equivalent.
std::string_view without_alias(std::string_view coding) {
  if (equals_ignoring_case(coding, "x-gzip") || equals_ignoring_case(coding, "x-compress"))
    coding.remove_prefix(2);
  return coding;
}

bool is_same_coding(std::string_view a, std::string_view b) {
  return equals_ignoring_case(without_alias(a), without_alias(b));
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
