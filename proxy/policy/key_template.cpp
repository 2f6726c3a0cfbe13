#include "policy/key_template.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "policy/nearest.hpp"

namespace larder::policy {
namespace {

constexpr bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
constexpr bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}
constexpr bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
}

/// RFC 9110 5.6.2; cookie names are tokens too (RFC 6265 4.1.1).
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return is_letter(letter) || is_digit(letter) ||
           std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
  });
}

bool is_identifier(std::string_view text) {
  if (text.empty() || is_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return is_letter(letter) || is_digit(letter) || letter == '_' ||
           static_cast<unsigned char>(letter) >= 0x80;
  });
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// --- Names of query parameters -----------------------------------------------

/// Takes the next character off a parameter name as Django decodes it.
char take_decoded(std::string_view& sent) {
  const auto hex_value = [](char letter) {
    if (is_digit(letter)) return letter - '0';
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
  };
  const char letter = sent.front();
  if (letter == '%' && sent.size() >= 3 && hex_value(sent[1]) >= 0 && hex_value(sent[2]) >= 0) {
    const int byte = hex_value(sent[1]) * 16 + hex_value(sent[2]);
    sent.remove_prefix(3);
    return static_cast<char>(byte);
  }
  sent.remove_prefix(1);
  return letter == '+' ? ' ' : letter;
}

bool names_parameter(std::string_view pattern, std::string_view sent) {
  const bool is_prefix = pattern.ends_with('*');
  if (is_prefix) pattern.remove_suffix(1);
  for (const char expected : pattern) {
    if (sent.empty() || take_decoded(sent) != expected) return false;
  }
  return is_prefix || sent.empty();
}

// --- Parsing -----------------------------------------------------------------

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::variant<KeyTemplate, KeyTemplateError> run() {
    if (text_.empty()) {
      return KeyTemplateError{0,
                              "an empty key: every request of the rule would share one response"};
    }
    while (at_ < text_.size()) {
      if (std::optional<KeyTemplateError> wrong = parse_next()) return *std::move(wrong);
    }
    end_literal();
    return KeyTemplate{std::string(text_), std::move(parts_)};
  }

 private:
  using Wrong = std::optional<KeyTemplateError>;

  Wrong parse_next() {
    const char letter = text_[at_];
    const bool doubled = text_.substr(at_ + 1).starts_with(letter);
    if (is_control(letter)) return KeyTemplateError{at_, "a control character in a key"};
    if (letter == '{' && !doubled) return parse_part();
    if (letter == '}' && !doubled) {
      return KeyTemplateError{at_, "'}' without its '{' (a literal one is written '}}')"};
    }
    at_ += letter == '{' || letter == '}' ? 2 : 1;
    literal_ += letter;
    return std::nullopt;
  }

  Wrong parse_part() {
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) {
      return KeyTemplateError{at_, "'{' without its '}' (a literal one is written '{{')"};
    }
    const std::size_t start = at_ + 1;
    const std::string_view inside = text_.substr(start, end - start);
    end_literal();
    at_ = end + 1;
    if (inside == "path") return add({KeyPart::Kind::path, {}, {}});
    if (inside == "query") return add({KeyPart::Kind::query_all, {}, {}});
    if (inside.starts_with("query:-")) {
      return parse_names(KeyPart::Kind::query_except, start + 7, inside.substr(7));
    }
    if (inside.starts_with("query:")) {
      return KeyTemplateError{start + 5,
                              "'{query.NAME}' names a parameter that counts, "
                              "'{query:-NAME}' one that does not"};
    }
    const std::size_t dot = inside.find('.');
    if (dot != std::string_view::npos) {
      return parse_named(start, inside.substr(0, dot), inside.substr(dot + 1));
    }
    if (!is_identifier(inside)) {
      return KeyTemplateError{
          start, "'{" + std::string(inside) +
                     "}' is no part of a key; parts are {path}, "
                     "{query}, {query.NAME}, {query:-NAME}, {header.NAME}, {cookie.NAME} "
                     "and {NAME} of the path"};
    }
    return add({KeyPart::Kind::path_parameter, std::string(inside), {}});
  }

  Wrong parse_named(std::size_t start, std::string_view source, std::string_view name) {
    const std::size_t name_at = start + source.size() + 1;
    if (source == "query") {
      if (name.starts_with('-')) {
        return KeyTemplateError{name_at,
                                "parameters that do not count are written '{query:-NAME}'"};
      }
      return parse_names(KeyPart::Kind::query_only, name_at, name);
    }
    if (source == "header") return parse_header(name_at, name);
    if (source == "cookie") {
      if (!is_token(name)) {
        return KeyTemplateError{name_at, "'" + std::string(name) + "' is no name of a cookie"};
      }
      return add({KeyPart::Kind::cookie, std::string(name), {}});
    }
    if (source == "jwt") {
      if (name.empty() || std::any_of(name.begin(), name.end(), is_control)) {
        return KeyTemplateError{name_at, "the name of a claim is missing: {jwt.CLAIM}"};
      }
      return add({KeyPart::Kind::claim, std::string(name), {}});
    }
    return KeyTemplateError{
        start, "unknown part '{" + std::string(source) + ".…}'" +
                   suggest_nearest(source, {"query", "header", "cookie", "path", "jwt"})};
  }

  Wrong parse_header(std::size_t name_at, std::string_view name) {
    if (!is_token(name)) {
      return KeyTemplateError{name_at, "'" + std::string(name) + "' is no name of a request field"};
    }
    const std::string lower = to_lower(name);
    if (lower == "cookie") {
      return KeyTemplateError{name_at,
                              "the whole Cookie field cannot be part of a key: name the cookie, "
                              "'{cookie.NAME}'"};
    }
    if (lower == "authorization" || lower == "proxy-authorization") {
      return KeyTemplateError{name_at,
                              "credentials cannot be part of a key: who may share a response "
                              "stands in 'share'"};
    }
    return add({KeyPart::Kind::header, lower, {}});
  }

  Wrong parse_names(KeyPart::Kind kind, std::size_t start, std::string_view list) {
    std::vector<std::string> names;
    while (true) {
      const std::size_t comma = list.find(',');
      const std::string_view piece = list.substr(0, comma);
      const std::string_view name = trim(piece);
      if (name.empty()) return KeyTemplateError{start, "the name of a query parameter is missing"};
      if (const std::size_t star = name.find('*');
          star != std::string_view::npos && star + 1 != name.size()) {
        return KeyTemplateError{
            start, "'*' stands only at the end of a name: '" + std::string(name) + "'"};
      }
      if (std::any_of(name.begin(), name.end(), [](char letter) {
            return is_control(letter) || letter == '%' || letter == '&' || letter == '=' ||
                   letter == '{';
          })) {
        return KeyTemplateError{start, "'" + std::string(name) +
                                           "' is no name of a query parameter; write "
                                           "it as the view sees it, without percent-encoding"};
      }
      names.emplace_back(name);
      if (comma == std::string_view::npos) break;
      start += comma + 1;
      list.remove_prefix(comma + 1);
    }
    return add({kind, {}, std::move(names)});
  }

  Wrong add(KeyPart part) {
    parts_.push_back(std::move(part));
    return std::nullopt;
  }

  void end_literal() {
    if (!literal_.empty()) parts_.push_back({KeyPart::Kind::literal, std::move(literal_), {}});
    literal_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string literal_;
  std::vector<KeyPart> parts_;
};

}  // namespace

bool KeyPart::counts_parameter(std::string_view name) const {
  const auto named = [&] {
    return std::any_of(names.begin(), names.end(),
                       [name](const std::string& one) { return names_parameter(one, name); });
  };
  switch (kind) {
    case Kind::query_all:
      return true;
    case Kind::query_only:
      return named();
    case Kind::query_except:
      return !named();
    case Kind::literal:
    case Kind::path:
    case Kind::header:
    case Kind::cookie:
    case Kind::path_parameter:
    case Kind::claim:
      break;
  }
  return false;
}

bool KeyTemplate::counts_parameter(std::string_view name) const {
  return std::any_of(parts.begin(), parts.end(),
                     [name](const KeyPart& part) { return part.counts_parameter(name); });
}

bool KeyTemplate::has(KeyPart::Kind kind) const {
  return std::any_of(parts.begin(), parts.end(),
                     [kind](const KeyPart& part) { return part.kind == kind; });
}

std::variant<KeyTemplate, KeyTemplateError> parse_key_template(std::string_view text) {
  return Parser(text).run();
}

}  // namespace larder::policy
