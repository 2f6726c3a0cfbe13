// Confidence: how high a rate may yet be when so many of so many have been seen.
#pragma once

#include <cstdint>

namespace larder::policy {

/// Upper end of the one-sided 95 % interval for the rate behind `events` of `trials`: Clopper and
/// Pearson's (Biometrika 26, 1934), which never promises too much; it takes trials for
/// independent. One without trials.
[[nodiscard]] double upper_bound_of_rate(std::uint64_t events, std::uint64_t trials);

}  // namespace larder::policy
