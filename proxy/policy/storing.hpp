// Storing: may the answer to a fill be kept, and what exactly is kept (RFC 9111 3)?
//
// The rule's `ttl` replaces the origin's freshness lifetime, never its no-store, private, no-cache
// or Set-Cookie. Under `ttl: origin` the origin's word is all there is.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "policy/cache_status.hpp"
#include "policy/learned_vary.hpp"
#include "policy/lookup.hpp"
#include "policy/named_tags.hpp"
#include "policy/route.hpp"
#include "policy/stored_response.hpp"

namespace larder::policy {

/// Keep it. `stored` is complete but for its content.
struct Keep {
  StoredResponse stored;
  /// How long it is worth keeping from now, above zero: while it is fresh, may be served stale, or
  /// can be validated.
  seconds retention{0};
};
struct DoNotStore {
  Detail reason = Detail::status_not_stored;
  /// How long requests for this key are better passed on than filled for: what made this answer not
  /// storable is a trait of the resource. Zero: try again next time.
  seconds remember{0};
  /// For `vary_unkeyed`: the names that are to be learned.
  LearnedVary::Names unkeyed;
};
using StoringDecision = std::variant<Keep, DoNotStore>;

struct StoringFacts {
  const http::ResponseHead& head;
  const RouteRule& rule;
  std::span<const KeyedField> keyed;  ///< that the fill knew
  SystemSeconds request_time{};       ///< when the fill was sent
  SystemSeconds response_time{};      ///< when its head had arrived
  std::uint64_t object_limit = 0;     ///< bytes of content
  UriOrigin origin{};                 ///< of the request, as its groups are named by
};
[[nodiscard]] StoringDecision decide_storing(const StoringFacts& facts);

/// Does an answer of this status that is not stored say what the resource is now, so that what was
/// stored before it is to be used no more? Not when it speaks of the moment: whoever has had the
/// answer would otherwise be given the older one again.
[[nodiscard]] bool supersedes_stored(std::uint16_t status);

/// How long a stored response is worth keeping after it has become stale.
[[nodiscard]] seconds stale_retention(const StoredResponse& stored, const RouteRule& rule);

/// The field names of every Vary line: lower case, sorted, without repeats; "*" among them if it is
/// there.
[[nodiscard]] LearnedVary::Names vary_names(const http::Fields& fields);

/// RFC 9111 4.2.3, from the Age and Date the response came with. A malformed Age counts as absent.
[[nodiscard]] seconds corrected_initial_age(const http::Fields& fields, SystemSeconds request_time,
                                            SystemSeconds response_time);

}  // namespace larder::policy
