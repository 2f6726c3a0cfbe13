// Entity tag: one ETag, and the lists of them in If-None-Match and If-Match (RFC 9110 8.8.3, 13.1).
//
// Views into the text that is read; nothing is allocated. What a comparison leads to:
// policy/preconditions.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace larder::http {

struct EntityTag {
  std::string_view opaque;  ///< with its quotes
  bool weak = false;
  bool operator==(const EntityTag&) const = default;
};

/// One entity tag and nothing beside it; nothing for anything else (no quotes, "w/" in lower case,
/// a space or a quote within: RFC 9110 8.8.3).
[[nodiscard]] std::optional<EntityTag> parse_entity_tag(std::string_view text);

/// RFC 9110 8.8.3.2.
[[nodiscard]] bool is_strong_match(const EntityTag& a, const EntityTag& b);
[[nodiscard]] bool is_weak_match(const EntityTag& a, const EntityTag& b);

/// Reads the members of one field line from left to right.
///
/// Empty members are skipped (RFC 9110 5.6.1.2), and so are malformed ones up to the next comma,
/// unless they have a quote: then it cannot be known where they end, and nothing after them is
/// read.
class EntityTagReader {
 public:
  explicit EntityTagReader(std::string_view line) : rest_(line) {}
  /// The next well-formed entity tag; nothing at the end.
  [[nodiscard]] std::optional<EntityTag> next();

 private:
  std::string_view rest_;
};

enum class TagComparison : std::uint8_t { strong, weak };

/// What a list of entity tags says about one of them.
enum class TagMatch : std::uint8_t {
  absent,  ///< there is no such field
  any,     ///< "*", and nothing beside it
  listed,
  not_listed,  ///< also of a field that is empty or malformed, and when there is no tag to compare
};

/// Looks for `tag` in all lines of the field `id` (If-None-Match, If-Match). Without `tag` nothing
/// is listed, but "*" still is `any`.
[[nodiscard]] TagMatch match_entity_tag(const Fields& fields, FieldName id,
                                        const std::optional<EntityTag>& tag,
                                        TagComparison comparison);

}  // namespace larder::http
