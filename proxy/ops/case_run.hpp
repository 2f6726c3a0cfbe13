// Case run: one case of `larder test`, judged by the explanation of its request.
#pragma once

#include <string>
#include <vector>

#include "config/cases.hpp"
#include "config/config.hpp"
#include "policy/route_index.hpp"

namespace larder::ops {

struct CaseResult {
  /// What differs, a line each: "rule: expected 'items', got none". Empty: as expected.
  std::vector<std::string> differences;
  [[nodiscard]] bool ok() const { return differences.empty(); }
};

/// `index`: of the rules of `config`.
[[nodiscard]] CaseResult run_case(const config::Case& one, const config::Config& config,
                                  const policy::RouteIndex& index);

}  // namespace larder::ops
