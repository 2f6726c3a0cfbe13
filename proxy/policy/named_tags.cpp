#include "policy/named_tags.hpp"

#include <algorithm>
#include <vector>

#include "http/grammar.hpp"
#include "http/structured_field.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

namespace structured = http::structured;

/// Without the port that goes without saying (RFC 9110 4.2.3).
std::string_view without_usual_port(std::string_view authority, std::string_view scheme) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return authority;
  const std::string_view port = authority.substr(colon + 1);
  const bool is_usual = port.empty() || port == (scheme == "https" ? "443" : "80");
  return is_usual ? authority.substr(0, colon) : authority;
}

/// The Strings of a List; none when the field is absent, or anything else (RFC 9875 2, 3).
/// Parameters are ignored.
std::vector<std::string> read_groups(const http::Fields& fields, FieldName id) {
  const std::optional<std::string> text = fields.combined(id);
  const auto list = text ? structured::parse_list(*text) : std::nullopt;
  if (!list) return {};
  std::vector<std::string> groups;
  for (const structured::Member& member : *list) {
    const std::string* const group = structured::value_as<std::string>(member);
    if (!group) return {};
    groups.push_back(*group);
  }
  return groups;
}

/// Calls `take` with each part between separators that is not empty, without whitespace around it.
template <typename Take>
void for_each_name(const http::Fields& fields, FieldName id, std::string_view separators,
                   Take take) {
  for (const http::FieldLine& line : fields) {
    if (line.id != id) continue;
    std::string_view rest = line.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(separators), rest.size());
      const std::string_view name = http::grammar::trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!name.empty()) take(name);
    }
  }
}

void make_unique(Tags& tags) {
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
}

}  // namespace

std::string make_group_tag(const UriOrigin& origin, std::string_view group) {
  // Neither scheme nor host has a space, so no two origins and groups give one text.
  std::string tag("g:");
  tag.append(origin.scheme).append("://");
  tag.append(without_usual_port(origin.authority, origin.scheme));
  std::transform(tag.begin(), tag.end(), tag.begin(), http::grammar::to_lower);
  return tag.append(" ").append(group);
}

std::string make_key_tag(std::string_view key) {
  return std::string("t:").append(key);
}

std::optional<Tags> read_named_tags(const http::Fields& fields, const UriOrigin& origin) {
  Tags tags;
  bool any_too_long = false;
  const auto fits = [&](std::string_view name) {
    const bool is_short = name.size() <= longest_name_of_tag;
    any_too_long = any_too_long || !is_short;
    return is_short;
  };
  for (const std::string& group : read_groups(fields, FieldName::cache_groups))
    if (fits(group)) tags.push_back(make_group_tag(origin, group));
  const auto add_key = [&](std::string_view key) {
    if (fits(key)) tags.push_back(make_key_tag(key));
  };
  for_each_name(fields, FieldName::surrogate_key, " \t", add_key);
  for_each_name(fields, FieldName::cache_tag, ",", add_key);
  make_unique(tags);
  if (any_too_long || tags.size() > most_named_tags) return {};
  return tags;
}

Tags read_invalidated_tags(const http::Fields& fields, const UriOrigin& origin, http::Method method,
                           std::string_view method_text) {
  // RFC 9875 3: must be ignored on responses to requests that have a safe method.
  if (http::is_safe(method, method_text)) return {};
  Tags tags;
  for (const std::string& group : read_groups(fields, FieldName::cache_group_invalidation))
    if (group.size() <= longest_name_of_tag) tags.push_back(make_group_tag(origin, group));
  make_unique(tags);
  return tags;
}

}  // namespace larder::policy
