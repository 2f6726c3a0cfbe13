// Advice: what is no error in a file of rules and yet probably not what was meant. `larder check`
// says it; a process that serves does not, since none of it keeps it from serving well.
#pragma once

#include <vector>

#include "config/load.hpp"

namespace larder::config {

/// Warnings, each with a place and a name, in the order of the rules:
///
/// - "overlap": two rules share some paths and each has others, so their order decides what holds
///   for those they share. A rule that is narrower than one below it is as it should be, and so is
///   one of `mode: off` above: both are there to take paths away.
/// - "not-evicted": kept for more than an hour for everyone, with neither `evict_on` nor `tags`: a
///   change made elsewhere than by a write to the path itself stays unseen for so long.
[[nodiscard]] std::vector<Finding> advise(const LoadResult& loaded);

}  // namespace larder::config
