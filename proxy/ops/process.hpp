// Process: what the kernel says of this one.
#pragma once

#include <cstdint>

namespace larder::ops {

struct ProcessFigures {
  double cpu_seconds = 0;  ///< user and system, of all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;  ///< told since Linux 6.2
  std::uint64_t most_files = 0;
  double start_time_seconds = 0;  ///< since 1970
};

/// Zero where /proc does not say.
[[nodiscard]] ProcessFigures read_process_figures();

}  // namespace larder::ops
