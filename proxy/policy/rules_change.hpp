// Rules change: what of the store other rules make unusable.
//
// A stored response is found by a key that holds its rule's fingerprint, so a changed rule never
// meets what its former self stored. Yet it would, were it changed back; and meanwhile no write
// has evicted for it. So whatever a rule stored goes with it.
#pragma once

#include "policy/route.hpp"
#include "policy/tags.hpp"

namespace larder::policy {

/// "r:" of each rule that has come, gone, or changed in what gives its responses their meaning
/// (RouteRule::fingerprint) or in which writes make them old; sorted, without repeats. Its place
/// among the rules does not count.
[[nodiscard]] Tags tags_of_changed_rules(const Routes& before, const Routes& after);

/// Was what `before` said said of the same responses, and is it as old after the same writes?
[[nodiscard]] bool means_the_same(const RouteRule& before, const RouteRule& after);

}  // namespace larder::policy
