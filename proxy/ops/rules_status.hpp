// Rules status: which rules are in force, and what became of others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder::ops {

struct RulesStatus {
  std::size_t rules = 0;         ///< in force
  std::uint64_t generation = 1;  ///< how many sets of rules have been in force, this one included
  std::uint64_t reloads = 0;     ///< that came into force
  std::uint64_t failed_reloads = 0;
  bool last_reload_failed = false;
  std::string last_failure{};  ///< the first thing wrong with it; empty: it was well
  /// Settings that the files give another value than the process was started with.
  std::vector<std::string> needs_restart{};
};

}  // namespace larder::ops
