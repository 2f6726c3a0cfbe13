// Key template: which parts of a request make the cache key, as a rule's `key` says.
//
// Only the language is here; policy/cache_key fills it in. Parts are escaped there, so that no two
// requests collide by content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::policy {

struct KeyPart {
  enum class Kind : std::uint8_t {
    literal,         ///< text
    path,            ///< {path}
    query_all,       ///< {query}: every parameter, sorted by name
    query_only,      ///< {query.page,format}: names; "*" at the end of a name matches the rest
    query_except,    ///< {query:-utm_*,fbclid}: all but names
    header,          ///< {header.NAME}: text is the name in lower case
    cookie,          ///< {cookie.NAME}: text is the name
    path_parameter,  ///< {NAME} of the path
    claim,           ///< {jwt.CLAIM} of the verified token: text is the name
  };
  Kind kind = Kind::literal;
  std::string text;
  std::vector<std::string>
      names;  ///< of query parameters, as a view sees them: not percent-encoded

  /// Does this part tell this query parameter from its absence? `name` as sent: it is decoded ("+"
  /// is a space, as Django has it) before it is compared.
  [[nodiscard]] bool counts_parameter(std::string_view name) const;
  bool operator==(const KeyPart&) const = default;
};

struct KeyTemplate {
  std::string text;  ///< as written
  std::vector<KeyPart> parts;

  /// Does the key tell this query parameter from its absence? What it does not, a fill does not
  /// send.
  [[nodiscard]] bool counts_parameter(std::string_view name) const;
  [[nodiscard]] bool has(KeyPart::Kind kind) const;
};

struct KeyTemplateError {
  std::size_t offset = 0;
  std::string message;
};

[[nodiscard]] std::variant<KeyTemplate, KeyTemplateError> parse_key_template(std::string_view text);

}  // namespace larder::policy
