#include "policy/rule_tags.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/cookies.hpp"
#include "http/target.hpp"
#include "policy/named_tags.hpp"

namespace larder::policy {

namespace {

/// What the parts of a template stand for; what is null is not known.
struct Source {
  std::string_view path;
  const PathParameters* parameters = nullptr;
  const http::RequestHead* request = nullptr;
  const identity::Verified* token = nullptr;
};

enum class Spelling : std::uint8_t {
  plain,  ///< means what it says
  path,   ///< percent-encoded
  query,  ///< percent-encoded, and "+" is a space
};

std::optional<unsigned> hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  return std::nullopt;
}

/// Decoded first: what Django reads alike must come to one tag, however it was sent.
void append_value(std::string_view value, Spelling spelling, std::string& tag) {
  static constexpr char hex[] = "0123456789ABCDEF";
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto byte = static_cast<unsigned char>(value[i]);
    if (spelling != Spelling::plain && byte == '%' && i + 2 < value.size()) {
      const std::optional<unsigned> high = hex_value(value[i + 1]);
      const std::optional<unsigned> low = hex_value(value[i + 2]);
      if (high && low) {
        byte = static_cast<unsigned char>(*high << 4 | *low);
        i += 2;
      }
    } else if (spelling == Spelling::query && byte == '+') {
      byte = ' ';
    }
    if (byte > 0x20 && byte < 0x7f && byte != '%') {
      tag += static_cast<char>(byte);
    } else {
      tag += '%';
      tag += hex[byte >> 4];
      tag += hex[byte & 15];
    }
  }
}

bool append_parameter(const KeyPart& part, const http::RequestHead& request, std::string& tag) {
  const auto parameters = http::parse_query(request.query.value_or(std::string_view()));
  if (!parameters) return false;
  const http::QueryParameter* found = nullptr;
  for (const http::QueryParameter& parameter : *parameters) {
    if (!part.counts_parameter(parameter.name)) continue;
    if (found) return false;
    found = &parameter;
  }
  if (!found) return false;
  append_value(found->value, Spelling::query, tag);
  return true;
}

bool append_field(const KeyPart& part, const http::RequestHead& request, std::string& tag) {
  const http::FieldName id = http::parse_field_name(part.text);
  const std::optional<std::string> value =
      id == http::FieldName::unknown ? request.fields.combined(std::string_view(part.text))
                                     : request.fields.combined(id);
  if (!value) return false;
  append_value(*value, Spelling::plain, tag);
  return true;
}

bool append_cookie(const KeyPart& part, const http::RequestHead& request, std::string& tag) {
  if (http::count_cookies(request.fields, part.text) != 1) return false;
  append_value(*http::find_cookie(request.fields, part.text), Spelling::plain, tag);
  return true;
}

/// Text without its quotes: simplejwt writes one user's id as 7 or as "7", by its version.
bool append_claim(const KeyPart& part, const identity::Verified& token, std::string& tag) {
  for (const auto& [name, json] : token.claims) {
    if (name != part.text) continue;
    std::string_view value = json;
    if (value == "null" || value.starts_with('[') || value.starts_with('{')) return false;
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    append_value(value, Spelling::plain, tag);
    return true;
  }
  return false;
}

/// False: the source does not say what the part stands for.
bool append_part(const KeyPart& part, const Source& source, std::string& tag) {
  switch (part.kind) {
    case KeyPart::Kind::literal:
      tag += part.text;
      return true;
    case KeyPart::Kind::path:
      append_value(source.path, Spelling::path, tag);
      return !source.path.empty();
    case KeyPart::Kind::path_parameter:
      if (!source.parameters) return false;
      for (const auto& [name, value] : *source.parameters) {
        if (name != part.text) continue;
        append_value(canonical_number(value), Spelling::path, tag);
        return true;
      }
      return false;
    case KeyPart::Kind::query_only:
      return source.request && append_parameter(part, *source.request, tag);
    case KeyPart::Kind::header:
      return source.request && append_field(part, *source.request, tag);
    case KeyPart::Kind::cookie:
      return source.request && append_cookie(part, *source.request, tag);
    case KeyPart::Kind::claim:
      return source.token && append_claim(part, *source.token, tag);
    case KeyPart::Kind::query_all:
    case KeyPart::Kind::query_except:
      break;  // in keys alone: config/tags
  }
  return false;
}

/// The name of the tag, without its prefix; nothing when a part of it is not known, or all of it is
/// empty.
std::optional<std::string> fill_in(const KeyTemplate& tag, const Source& source) {
  std::string name;
  for (const KeyPart& part : tag.parts)
    if (!append_part(part, source, name)) return std::nullopt;
  if (name.empty()) return std::nullopt;
  return name;
}

bool depends_on_path(const KeyTemplate& tag) {
  return tag.has(KeyPart::Kind::path) || tag.has(KeyPart::Kind::path_parameter);
}

std::size_t count_segments(std::string_view path) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (path[i] != '/' && (i == 0 || path[i - 1] == '/')) ++count;
  return count;
}

/// May the pattern match what lies below `path`, and not only the path itself?
bool reaches_below(const PathPattern& pattern, std::string_view path) {
  const bool is_longer = count_segments(pattern.text) > count_segments(path);
  const bool is_of_any_length =
      std::any_of(pattern.pieces.begin(), pattern.pieces.end(), [](const PatternPiece& piece) {
        return !piece.name.empty() && piece.converter == Converter::path;
      });
  return (is_longer || is_of_any_length) && pattern.may_concern(path, true);
}

/// The path and those above it, each without final slash and with it; not those that lie too deep
/// for anything to be stored.
std::vector<std::string> spellings_upwards(std::string_view path) {
  std::vector<std::string> all;
  for (std::size_t depth = count_segments(path); path.size() > 1; --depth) {
    while (path.ends_with('/')) path.remove_suffix(1);
    if (depth <= maximum_tags) {
      all.emplace_back(path);
      all.push_back(all.back() + "/");
    }
    path = path.substr(0, path.rfind('/') + 1);
  }
  all.emplace_back("/");
  return all;
}

void append_related_rules(const Routes& routes, const KeyTemplate& tag, Tags& tags) {
  for (const RouteRule& rule : routes.rules) {
    const bool is_related =
        std::any_of(rule.tags.begin(), rule.tags.end(),
                    [&](const KeyTemplate& other) { return may_be_alike(tag, other); });
    if (is_related) tags.push_back("r:" + rule.name);
  }
}

/// Appends the tag, as far as it is known. What is too long nothing is stored under.
bool append_filled_in(const KeyTemplate& tag, const Source& source, Tags& tags) {
  const std::optional<std::string> name = fill_in(tag, source);
  if (name && name->size() <= longest_name_of_tag) tags.push_back(make_key_tag(*name));
  return name.has_value();
}

/// For a template that names parts of the path: once for each path that a pattern of the rule
/// matches.
bool append_by_path(const KeyTemplate& tag, const RouteRule& rule, const ConcerningWrite& write,
                    Source source, const std::vector<std::string>& upwards, Tags& tags) {
  bool is_known = false;
  for (const PathPattern& pattern : rule.paths) {
    if (write.below && reaches_below(pattern, write.path)) return false;
    for (const std::string& path : upwards) {
      PathParameters parameters;
      if (!pattern.matches(path, parameters)) continue;
      source.path = path;
      source.parameters = &parameters;
      if (!append_filled_in(tag, source, tags)) return false;
      is_known = true;
    }
  }
  return is_known;
}

}  // namespace

std::variant<Tags, Detail> make_rule_tags(const LookupFacts& facts) {
  const RouteRule& rule = *facts.match.rule;
  Tags tags;
  if (rule.tags.empty()) return tags;
  const auto* user = rule.share == Share::per_user && facts.who
                         ? std::get_if<identity::Identity>(facts.who)
                         : nullptr;
  const Source source{.path = facts.path,
                      .parameters = &facts.match.parameters,
                      .request = &facts.head,
                      .token = user ? user->token.get() : nullptr};
  tags.reserve(rule.tags.size());
  for (const KeyTemplate& tag : rule.tags) {
    const std::optional<std::string> name = fill_in(tag, source);
    if (!name) return Detail::incomplete_tag;
    if (name->size() > longest_name_of_tag) return Detail::too_long_tag;
    std::string made = make_key_tag(*name);
    if (std::find(tags.begin(), tags.end(), made) == tags.end()) tags.push_back(std::move(made));
  }
  return tags;
}

void append_tags_made_old(const Routes& routes, const RouteRule& rule, const ConcerningWrite& write,
                          Tags& tags) {
  if (rule.tags.empty()) return;
  const bool is_own =
      rule.written_by == WrittenBy::owner && write.writer && write.writer->is_only_one;
  const Source source{.path = {},
                      .parameters = nullptr,
                      .request = write.request,
                      .token = is_own ? write.writer->token.get() : nullptr};
  const std::vector<std::string> upwards =
      write.path.empty() ? std::vector<std::string>() : spellings_upwards(write.path);
  for (const KeyTemplate& tag : rule.tags) {
    const bool is_known = depends_on_path(tag)
                              ? append_by_path(tag, rule, write, source, upwards, tags)
                              : append_filled_in(tag, source, tags);
    if (!is_known) append_related_rules(routes, tag, tags);
  }
}

bool may_be_alike(const KeyTemplate& one, const KeyTemplate& other) {
  const auto text_of = [](const KeyPart& part) {
    return part.kind == KeyPart::Kind::literal ? std::string_view(part.text) : std::string_view();
  };
  const std::string_view starts[] = {text_of(one.parts.front()), text_of(other.parts.front())};
  const std::string_view ends[] = {text_of(one.parts.back()), text_of(other.parts.back())};
  const bool are_both_literal =
      one.parts.size() == 1 && other.parts.size() == 1 && !starts[0].empty() && !starts[1].empty();
  if (are_both_literal) return starts[0] == starts[1];
  return (starts[0].starts_with(starts[1]) || starts[1].starts_with(starts[0])) &&
         (ends[0].ends_with(ends[1]) || ends[1].ends_with(ends[0]));
}

}  // namespace larder::policy
