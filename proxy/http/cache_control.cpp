#include "http/cache_control.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

/// One member of the list. `argument` has lost its quotes and escapes.
struct Directive {
  std::string_view name;
  std::string argument;
  bool has_argument = false;
  bool is_malformed = false;  ///< something stands between the argument and the next comma
};

/// Takes the directives of one field line apart (RFC 9111 5.2: token [ "=" token / quoted-string
/// ]).
class DirectiveReader {
 public:
  explicit DirectiveReader(std::string_view text) : text_(text) {}

  /// The next directive whose name is a token; nothing at the end of the line.
  std::optional<Directive> next() {
    while (at_ < text_.size()) {
      skip_whitespace();
      const std::size_t start = at_;
      while (at_ < text_.size() && grammar::is(text_[at_], grammar::token)) ++at_;
      Directive directive;
      directive.name = text_.substr(start, at_ - start);
      if (at_ < text_.size() && text_[at_] == '=') {
        ++at_;
        directive.has_argument = true;
        read_argument(directive);
      }
      skip_whitespace();
      if (at_ < text_.size() && text_[at_] != ',') {
        directive.is_malformed = true;
        at_ = std::min(text_.find(',', at_), text_.size());
      }
      ++at_;  // the comma
      if (!directive.name.empty()) return directive;
    }
    return {};
  }

 private:
  void skip_whitespace() {
    while (at_ < text_.size() && grammar::is_whitespace(text_[at_])) ++at_;
  }

  void read_argument(Directive& directive) {
    if (at_ < text_.size() && text_[at_] == '"') {
      const std::size_t quote = at_++;
      while (at_ < text_.size() && text_[at_] != '"') {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        directive.argument.push_back(text_[at_++]);
      }
      if (at_ < text_.size()) {
        ++at_;
        return;
      }
      // No closing quote: what follows the next comma may be a directive that forbids something.
      directive.argument.clear();
      directive.is_malformed = true;
      at_ = std::min(text_.find(',', quote), text_.size());
      return;
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && grammar::is(text_[at_], grammar::token)) ++at_;
    directive.argument = text_.substr(start, at_ - start);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<seconds> delta_of(const Directive& directive) {
  if (!directive.has_argument || directive.is_malformed) return {};
  return parse_delta_seconds(directive.argument);
}

/// The shorter of what was there and what this directive says; zero when it says nothing valid.
void take_shorter(std::optional<seconds>& slot, const Directive& directive) {
  const seconds value = delta_of(directive).value_or(seconds{0});
  slot = slot ? std::min(*slot, value) : value;
}

/// For directives that permit something: an argument nobody defined makes them void.
bool permits(const Directive& directive) {
  return !directive.has_argument && !directive.is_malformed;
}

/// no-cache and private (RFC 9111 5.2.2.4, 5.2.2.7): field names limit what they forbid; anything
/// that is not a list of names forbids everything.
void take_fields(bool& whole, std::vector<std::string>& names, const Directive& directive) {
  if (!directive.has_argument || directive.is_malformed) {
    whole = true;
    return;
  }
  std::vector<std::string> found;
  std::string_view rest = directive.argument;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view name = grammar::trim(rest.substr(0, comma));
    if (!name.empty()) {
      if (!is_token(name)) {
        whole = true;
        return;
      }
      std::string& lower = found.emplace_back(name);
      std::transform(lower.begin(), lower.end(), lower.begin(), grammar::to_lower);
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (found.empty()) whole = true;
  for (std::string& name : found) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
}

template <typename Take>
void for_each_directive(const Fields& fields, Take take) {
  for (const FieldLine& line : fields) {
    if (line.id != FieldName::cache_control) continue;
    DirectiveReader reader(line.value);
    while (const std::optional<Directive> directive = reader.next()) take(*directive);
  }
}

}  // namespace

ResponseCacheControl parse_response_cache_control(const Fields& fields) {
  ResponseCacheControl result;
  for_each_directive(fields, [&](const Directive& directive) {
    const auto is = [&](std::string_view name) {
      return equals_ignoring_case(directive.name, name);
    };
    if (is("max-age")) {
      take_shorter(result.max_age, directive);
    } else if (is("s-maxage")) {
      take_shorter(result.s_maxage, directive);
    } else if (is("must-revalidate")) {
      result.must_revalidate = true;
    } else if (is("proxy-revalidate")) {
      result.proxy_revalidate = true;
    } else if (is("no-cache")) {
      take_fields(result.no_cache, result.no_cache_fields, directive);
    } else if (is("no-store")) {
      result.no_store = true;
    } else if (is("private")) {
      take_fields(result.is_private, result.private_fields, directive);
    } else if (is("public")) {
      result.is_public = result.is_public || permits(directive);
    } else if (is("must-understand")) {
      result.must_understand = result.must_understand || permits(directive);
    } else if (is("immutable")) {
      result.immutable = result.immutable || permits(directive);
    } else if (is("no-transform")) {
      result.no_transform = true;
    } else if (is("stale-while-revalidate")) {
      take_shorter(result.stale_while_revalidate, directive);
    } else if (is("stale-if-error")) {
      take_shorter(result.stale_if_error, directive);
    }
  });
  return result;
}

RequestCacheControl parse_request_cache_control(const Fields& fields) {
  RequestCacheControl result;
  for_each_directive(fields, [&](const Directive& directive) {
    const auto is = [&](std::string_view name) {
      return equals_ignoring_case(directive.name, name);
    };
    if (is("max-age")) {
      take_shorter(result.max_age, directive);
    } else if (is("min-fresh")) {
      const seconds value = delta_of(directive).value_or(forever);
      result.min_fresh = std::max(result.min_fresh.value_or(seconds{0}), value);
    } else if (is("max-stale")) {
      if (!permits(directive))
        take_shorter(result.max_stale, directive);
      else if (!result.max_stale)
        result.max_stale = forever;
    } else if (is("no-cache")) {
      result.no_cache = true;
    } else if (is("no-store")) {
      result.no_store = true;
    } else if (is("no-transform")) {
      result.no_transform = true;
    } else if (is("only-if-cached")) {
      result.only_if_cached = true;
    } else if (is("stale-if-error")) {
      take_shorter(result.stale_if_error, directive);
    }
  });
  // RFC 9111 5.4: Pragma counts only for clients that know no Cache-Control.
  if (!fields.has(FieldName::cache_control)) {
    for (const FieldLine& line : fields) {
      if (line.id == FieldName::pragma && has_token(line.value, "no-cache")) result.no_cache = true;
    }
  }
  return result;
}

std::optional<seconds> parse_delta_seconds(std::string_view text) {
  if (text.empty() || !grammar::is_all(text, grammar::digit)) return {};
  std::int64_t value = 0;
  for (const char c : text) value = std::min<std::int64_t>(value * 10 + (c - '0'), forever.count());
  return seconds{value};
}

}  // namespace larder::http
