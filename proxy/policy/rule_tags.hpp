// Rule tags: what the `tags` of a rule come to for one request, and what a write makes old by them.
//
// A rule tag is known from the request alone, before anything is looked up, and is of one kind with
// what a response names by Surrogate-Key (policy/named_tags): tag "t:user:7" whichever says so.
// Rules that share a tag are related: a write to one evicts what the others keep under that tag.
// That is one step and no more: what is related to those in turn is not evicted.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "identity/identifier.hpp"
#include "policy/lookup.hpp"
#include "policy/route.hpp"
#include "policy/tags.hpp"

namespace larder::policy {

/// Each is one more stamp to compare at every hit. Of their text: `longest_name_of_tag`.
inline constexpr std::size_t most_rule_tags = 16;

/// The tags of what is stored for this request; none when its rule has none. Or why it cannot be
/// stored: a part that a template names is not in the request (or more than once, so that it cannot
/// be told which one the view goes by), or a tag would be too long. Half a tag would be evicted by
/// nobody.
[[nodiscard]] std::variant<Tags, Detail> make_rule_tags(const LookupFacts& facts);

/// A write that concerns a rule's resources.
struct ConcerningWrite {
  /// One of http::possible_paths; empty: a path that says nothing of this rule's parameters
  /// (`evict_on`).
  std::string_view path;
  bool below = false;  ///< what lies below the path is concerned as well
  /// Whose query, fields and cookies say what the templates name; null: none do.
  const http::RequestHead* request = nullptr;
  const identity::Identity* writer = nullptr;  ///< null: not known
};

/// Appends the tags of what this write makes old by the rule's `tags`: each template filled in from
/// the write, with the path parameters of its path and of those above it.
///
/// What the write does not say is never guessed: in the place of a template that cannot be filled
/// in stand all rules that keep something under a tag it could have come to ("r:"). So it is with a
/// parameter that the path does not have, a query without it, and a claim when nobody is verified,
/// or when others than the owner may write (WrittenBy::anyone): who writes is then not whom it
/// concerns. What a response named by itself is not found so.
void append_tags_made_old(const Routes& routes, const RouteRule& rule, const ConcerningWrite& write,
                          Tags& tags);

/// May the two come to the same tag? Yes too often, never no wrongly.
[[nodiscard]] bool may_be_alike(const KeyTemplate& one, const KeyTemplate& other);

}  // namespace larder::policy
