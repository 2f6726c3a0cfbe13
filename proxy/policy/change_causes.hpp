// Change causes: which writes come before changes of an answer so regularly that it is no accident,
// so that `evict_on` can name them.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "policy/observation.hpp"
#include "policy/trial.hpp"

namespace larder::policy {

/// Writes below one path, as an entry of `evict_on` names them.
struct WriteKind {
  std::string prefix;
  std::vector<Moment> answered;  ///< sorted
};
/// Those with the most writes, at most `most_write_kinds`. A write may be of several.
[[nodiscard]] std::vector<WriteKind> group_writes(const std::deque<SeenWrite>& writes);
inline constexpr std::size_t most_write_kinds = 128;

struct Cause {
  std::string prefix;
  std::uint64_t changes = 0;  ///< that such a write came before, and none that was named already
  std::uint64_t writes = 0;   ///< different ones that did
  std::uint64_t seen = 0;     ///< such writes in all
};

struct Causes {
  std::vector<Cause> named;          ///< by which most was explained first
  std::uint64_t changes = 0;         ///< in all
  std::uint64_t evicted_anyway = 0;  ///< of them: a write to the path itself came before
  std::uint64_t unexplained = 0;
};

/// `own_writes`: that evict without being named; sorted. A kind of write is named when so many of
/// its writes come before changes as would with less than 1 % happen by chance to any of the kinds,
/// going by how often they come between answers that are the same.
[[nodiscard]] Causes find_causes(std::span<const Interval> intervals,
                                 std::span<const Moment> own_writes,
                                 std::span<const WriteKind> kinds);

}  // namespace larder::policy
