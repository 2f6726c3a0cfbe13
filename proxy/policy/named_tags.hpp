// Named tags: what a response says it belongs to, beside its path and its rule.
//
// Cache-Groups (RFC 9875) are the origin's own: tag "g:http://example.com news", so that no host
// can name another's. Surrogate-Key (separated by spaces) and Cache-Tag (by commas) are one kind
// for whoever purges by them: tag "t:news". All compare by case. Other tags: policy/tags.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "policy/tags.hpp"

namespace larder::policy {

/// Each tag is one more stamp to compare at every hit. RFC 9875 2 asks for 32 groups of 32
/// characters.
inline constexpr std::size_t most_named_tags = 64;
inline constexpr std::size_t longest_name_of_tag = 256;  ///< bytes, without prefix and origin

/// Scheme, host and port of a target URI (RFC 9110 4.3.1), as requests name them.
struct UriOrigin {
  std::string_view scheme;     ///< "http" or "https"
  std::string_view authority;  ///< as in Host: in any case, with or without the scheme's own port
};

/// The tags that a response names: sorted, without repeats. Nothing when there are more of them, or
/// longer ones, than the bounds: it could not be evicted by each, so it is not to be stored. A
/// Cache-Groups that is not a List of Strings is ignored (RFC 9651 4.2).
[[nodiscard]] std::optional<Tags> read_named_tags(const http::Fields& fields,
                                                  const UriOrigin& origin);

/// The tags that a response evicts by Cache-Group-Invalidation: sorted, without repeats; none when
/// its request was safe (RFC 9875 3), or when the field is not a List of Strings. Not bounded by
/// `most_named_tags`, but by what a List may hold; names too long to be stored under are left out.
/// Whether the response says that anything happened at all is the caller's to know
/// (may_have_changed).
[[nodiscard]] Tags read_invalidated_tags(const http::Fields& fields, const UriOrigin& origin,
                                         http::Method method, std::string_view method_text);

/// The tag of one group or key, for purging by name.
[[nodiscard]] std::string make_group_tag(const UriOrigin& origin, std::string_view group);
[[nodiscard]] std::string make_key_tag(std::string_view key);

}  // namespace larder::policy
