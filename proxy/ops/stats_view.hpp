// Stats view: the answer of /stats for people's eyes. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace larder::ops {

/// What happened between two answers.
struct Meanwhile {
  std::string_view before;  ///< the earlier answer
  double seconds = 1;       ///< between them; more than 0
};

/// Where it is to be shown.
struct Screen {
  std::size_t width = 100;   ///< columns, 40 or more
  std::size_t height = ~0U;  ///< lines; of the rules only those are shown that fit
};

/// Lines that fit, each ended. Nothing when `json` is no such answer; what an older or newer Larder
/// does not tell is left out. With `meanwhile` rates are shown besides.
[[nodiscard]] std::optional<std::string> format_stats(std::string_view json,
                                                      const std::optional<Meanwhile>& meanwhile,
                                                      const Screen& screen = {});

}  // namespace larder::ops
