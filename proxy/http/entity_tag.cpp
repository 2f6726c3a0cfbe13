#include "http/entity_tag.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

/// RFC 9110 8.8.3: etagc = %x21 / %x23-7E / obs-text. Neither space nor quote.
bool is_etagc(char c) {
  return grammar::is(c, grammar::value_byte) && !grammar::is_whitespace(c) && c != '"';
}

/// The entity tag that `text` begins with, as text; empty when it does not begin with one.
std::string_view leading_tag(std::string_view text) {
  std::size_t at = text.starts_with("W/") ? 2 : 0;
  if (at >= text.size() || text[at] != '"') return {};
  do ++at;
  while (at < text.size() && is_etagc(text[at]));
  if (at >= text.size() || text[at] != '"') return {};
  return text.substr(0, at + 1);
}

EntityTag tag_of(std::string_view text) {
  const bool weak = text.front() == 'W';
  return {text.substr(weak ? 2 : 0), weak};
}

bool is_match(const EntityTag& a, const EntityTag& b, TagComparison comparison) {
  return comparison == TagComparison::strong ? is_strong_match(a, b) : is_weak_match(a, b);
}

/// Is "*" all that the lines of this field say?
bool is_any(const Fields& fields, FieldName id) {
  std::size_t stars = 0;
  for (const FieldLine& line : fields) {
    if (line.id != id) continue;
    std::string_view rest = line.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view member = grammar::trim(rest.substr(0, comma));
      if (!member.empty() && member != "*") return false;
      if (!member.empty()) ++stars;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return stars == 1;
}

}  // namespace

std::optional<EntityTag> parse_entity_tag(std::string_view text) {
  if (text.empty() || leading_tag(text).size() != text.size()) return {};
  return tag_of(text);
}

bool is_strong_match(const EntityTag& a, const EntityTag& b) {
  return !a.weak && !b.weak && a.opaque == b.opaque;
}

bool is_weak_match(const EntityTag& a, const EntityTag& b) {
  return a.opaque == b.opaque;
}

std::optional<EntityTag> EntityTagReader::next() {
  while (!rest_.empty()) {
    if (rest_.front() == ',' || grammar::is_whitespace(rest_.front())) {
      rest_.remove_prefix(1);
      continue;
    }
    const std::string_view tag = leading_tag(rest_);
    const std::string_view after = rest_.substr(tag.size());
    const std::size_t comma = std::min(after.find(','), after.size());
    const std::string_view surplus = grammar::trim(after.substr(0, comma));
    rest_ = after.substr(comma);
    if (!tag.empty() && surplus.empty()) return tag_of(tag);
    if (!tag.empty() || surplus.find('"') != std::string_view::npos) rest_ = {};
  }
  return {};
}

TagMatch match_entity_tag(const Fields& fields, FieldName id, const std::optional<EntityTag>& tag,
                          TagComparison comparison) {
  bool present = false;
  for (const FieldLine& line : fields) {
    if (line.id != id) continue;
    present = true;
    EntityTagReader reader(line.value);
    while (const std::optional<EntityTag> member = reader.next()) {
      if (tag && is_match(*member, *tag, comparison)) return TagMatch::listed;
    }
  }
  if (!present) return TagMatch::absent;
  return is_any(fields, id) ? TagMatch::any : TagMatch::not_listed;
}

}  // namespace larder::http
