#include "http/message.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

template <typename Matches>
std::optional<std::string_view> combine(const Fields& fields, Matches matches, std::string& room) {
  std::optional<std::string_view> all;
  for (const FieldLine& line : fields) {
    if (!matches(line)) continue;
    if (!all) {
      all = line.value;
      continue;
    }
    if (all->data() != room.data()) room = *all;
    room.append(", ").append(line.value);
    all = room;
  }
  return all;
}

/// The same with an owner.
template <typename Matches>
std::optional<std::string> combine(const Fields& fields, Matches matches) {
  std::string room;
  const std::optional<std::string_view> all = combine(fields, matches, room);
  return all ? std::optional<std::string>(*all) : std::nullopt;
}

auto named(FieldName id) {
  return [id](const FieldLine& line) { return line.id == id; };
}
auto named(std::string_view name) {
  return [name](const FieldLine& line) { return equals_ignoring_case(line.name, name); };
}

/// Methods registered as safe that Larder has no value for (IANA HTTP Method Registry).
bool is_safe_by_registration(std::string_view text) {
  return text == "QUERY" || text == "PROPFIND" || text == "REPORT" || text == "SEARCH";
}

/// Fields meant for every recipient, which RFC 9110 7.6.1 forbids to name in Connection. A client
/// that does it anyway wants the origin to see another request than the cache did.
bool must_arrive(const FieldLine& line) {
  switch (line.id) {
    case FieldName::host:
    case FieldName::content_length:
    case FieldName::content_type:
    case FieldName::content_encoding:
    case FieldName::content_range:
    case FieldName::cache_control:
    case FieldName::cdn_cache_control:
    case FieldName::larder_cache_control:
    case FieldName::authorization:
    case FieldName::cookie:
    case FieldName::set_cookie:
    case FieldName::vary:
    case FieldName::forwarded:
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_proto:
      return true;
    default:
      break;  // every other name may be dropped
  }
  constexpr std::string_view prefix = "X-Forwarded-";
  return line.id == FieldName::unknown && line.name.size() > prefix.size() &&
         equals_ignoring_case(line.name.substr(0, prefix.size()), prefix);
}

}  // namespace

void Fields::add(FieldName id, std::string_view value) {
  add({id, format_field_name(id), value});
}

std::size_t Fields::count(FieldName id) const {
  return has(id) ? static_cast<std::size_t>(std::count_if(begin(), end(), named(id))) : 0;
}

std::optional<std::string_view> Fields::first(FieldName id) const {
  if (!has(id)) return {};
  for (const FieldLine& line : lines_) {
    if (line.id == id) return line.value;
  }
  return {};
}

std::optional<std::string_view> Fields::first(std::string_view name) const {
  for (const FieldLine& line : lines_) {
    if (equals_ignoring_case(line.name, name)) return line.value;
  }
  return {};
}

std::optional<std::string> Fields::combined(FieldName id) const {
  return has(id) ? combine(*this, named(id)) : std::nullopt;
}

std::optional<std::string_view> Fields::combined(FieldName id, std::string& room) const {
  return has(id) ? combine(*this, named(id), room) : std::nullopt;
}

std::optional<std::string> Fields::combined(std::string_view name) const {
  return combine(*this, named(name));
}

std::optional<std::string_view> Fields::combined(std::string_view name, std::string& room) const {
  return combine(*this, named(name), room);
}

bool is_safe(Method method, std::string_view text) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::options:
    case Method::trace:
      return true;
    case Method::other:
      return is_safe_by_registration(text);
    case Method::connect:
    case Method::post:
    case Method::put:
    case Method::patch:
    case Method::del:
      return false;
  }
  return false;
}

bool is_idempotent(Method method, std::string_view text) {
  return is_safe(method, text) || method == Method::put || method == Method::del;
}

bool has_token(std::string_view value, std::string_view token) {
  while (true) {
    const std::size_t comma = value.find(',');
    if (equals_ignoring_case(grammar::trim(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && grammar::to_lower(a[i]) != grammar::to_lower(b[i])) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  return !text.empty() && grammar::is_all(text, grammar::token);
}

bool is_hop_by_hop(const FieldLine& line, const Fields& fields) {
  switch (line.id) {
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
      return true;
    case FieldName::unknown:
      if (equals_ignoring_case(line.name, "Proxy-Authentication-Info")) return true;
      break;
    default:
      break;  // meant for this hop if Connection says so
  }
  if (!fields.has(FieldName::connection) || must_arrive(line)) return false;
  return std::any_of(fields.begin(), fields.end(), [&](const FieldLine& other) {
    return other.id == FieldName::connection && has_token(other.value, line.name);
  });
}

}  // namespace larder::http
