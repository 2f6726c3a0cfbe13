#include "policy/targeted_cache_control.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/grammar.hpp"
#include "http/structured_field.hpp"

namespace larder::policy {

using http::FieldName;
using http::ResponseCacheControl;

namespace {

namespace structured = http::structured;

/// RFC 9213 2.2: from most to least applicable.
constexpr std::array<std::pair<FieldName, TargetedField>, 2> target_list = {
    {{FieldName::larder_cache_control, TargetedField::larder_cache_control},
     {FieldName::cdn_cache_control, TargetedField::cdn_cache_control}}};

bool is_true(const structured::Member& member) {
  const bool* const value = structured::value_as<bool>(member);
  return value && *value;
}

/// Of a directive that forbids: whoever writes no-store=1 means it.
bool is_not_false(const structured::Member& member) {
  const bool* const value = structured::value_as<bool>(member);
  return !value || *value;
}

std::optional<http::seconds> read_seconds(const structured::Member& member) {
  const std::int64_t* const value = structured::value_as<std::int64_t>(member);
  if (!value) return {};
  return http::seconds(std::clamp<std::int64_t>(*value, 0, http::forever.count()));
}

/// The names in a comma-separated list, lower case; nothing when it is none.
std::optional<std::vector<std::string>> read_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = http::grammar::trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (name.empty()) continue;  // RFC 9110 5.6.1.2
    if (!http::is_token(name)) return {};
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), http::grammar::to_lower);
    if (std::find(names.begin(), names.end(), lower) == names.end())
      names.push_back(std::move(lower));
  }
  if (names.empty()) return {};
  return names;
}

/// no-cache and private: Boolean true, or a String of field names (RFC 9213 2.1). A String that
/// names none forbids everything, as in Cache-Control, and so does what is of another type.
void read_forbidden(const structured::Member& member, bool& whole,
                    std::vector<std::string>& names) {
  whole = is_not_false(member);
  if (const std::string* const list = structured::value_as<std::string>(member)) {
    std::optional<std::vector<std::string>> found = read_names(*list);
    whole = !found;
    if (found) names = std::move(*found);
  }
}

void read_directive(const structured::DictionaryMember& directive, ResponseCacheControl& result) {
  const auto& [name, value] = directive;
  if (name == "max-age") result.max_age = read_seconds(value);
  if (name == "s-maxage") result.s_maxage = read_seconds(value);
  if (name == "must-revalidate") result.must_revalidate = is_not_false(value);
  if (name == "proxy-revalidate") result.proxy_revalidate = is_not_false(value);
  if (name == "no-cache") read_forbidden(value, result.no_cache, result.no_cache_fields);
  if (name == "no-store") result.no_store = is_not_false(value);
  if (name == "private") read_forbidden(value, result.is_private, result.private_fields);
  if (name == "public") result.is_public = is_true(value);
  if (name == "must-understand") result.must_understand = is_true(value);
  if (name == "immutable") result.immutable = is_true(value);
  if (name == "no-transform") result.no_transform = is_not_false(value);
  if (name == "stale-while-revalidate") result.stale_while_revalidate = read_seconds(value);
  if (name == "stale-if-error") result.stale_if_error = read_seconds(value);
}

}  // namespace

CacheDirectives read_cache_directives(const http::Fields& fields) {
  for (const auto& [field, source] : target_list) {
    const std::optional<std::string> text = fields.combined(field);
    if (!text) continue;
    const auto dictionary = structured::parse_dictionary(*text);
    // RFC 9213 2.1: an empty field, or one that does not parse, is as if it were not there.
    if (!dictionary || dictionary->empty()) continue;
    CacheDirectives result;
    result.source = source;
    for (const structured::DictionaryMember& directive : *dictionary)
      read_directive(directive, result.directives);
    return result;
  }
  return {http::parse_response_cache_control(fields), TargetedField::none};
}

}  // namespace larder::policy
