// Balancing: which of several backends gets a request, and which are left out for a while.
//
// Least requests in flight; ties rotate. A backend is left out (ejected) after failures in a row,
// each time for longer, or while its health checks fail. Coming back it gets a growing share of the
// choices. Callers pass `now` and `turn`, so that any choice can be replayed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace larder::policy {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Failures in a row after which a backend is ejected.
inline constexpr unsigned failures_to_eject = 3;
inline constexpr std::chrono::seconds first_ejection{1};  ///< doubled with each further one
inline constexpr std::chrono::seconds longest_ejection{30};

struct BalancingLimits {
  std::chrono::milliseconds slow_start{0};  ///< until a backend that came back has its whole share
  unsigned checks_to_leave = 3;             ///< failed health checks in a row
  unsigned checks_to_return = 2;            ///< passed ones
};

/// What is known of one backend.
struct Backend {
  unsigned in_flight = 0;
  unsigned failures = 0;                  ///< in a row
  unsigned ejections = 0;                 ///< since the last success
  std::optional<SteadyTime> out_until{};  ///< of the last ejection
  bool is_unhealthy = false;              ///< by its health checks
  unsigned checks = 0;                    ///< in a row that contradict is_unhealthy
  SteadyTime out_since{};                 ///< of the last ejection or failed health
  /// When it was last let in again; nothing: it was never out.
  std::optional<SteadyTime> back_since{};
};
using Backends = std::vector<Backend>;

enum class BackendState : std::uint8_t { in, starting, ejected, unhealthy };
[[nodiscard]] BackendState state_of(const Backend& backend, const BalancingLimits& limits,
                                    SteadyTime now);

struct BackendChoice {
  enum class Reason : std::uint8_t {
    least_loaded,
    none_usable,  ///< all are out: the one that has been so for longest
    none_left,    ///< all have been tried
  };
  Reason reason = Reason::none_left;
  std::size_t index = 0;  ///< meaningless for none_left
  bool operator==(const BackendChoice&) const = default;
};
/// `tried`: per backend, whether this request has tried it already; empty: none. `turn` grows by
/// one with each choice.
[[nodiscard]] BackendChoice choose_backend(const Backends& backends, const std::vector<bool>& tried,
                                           const BalancingLimits& limits, std::uint64_t turn,
                                           SteadyTime now);

/// What a piece of news made of a backend.
enum class BackendChange : std::uint8_t { none, ejected, back, unhealthy, healthy };

/// It answered: a final head arrived.
[[nodiscard]] BackendChange note_success(Backends& backends, std::size_t index, SteadyTime now);
/// It could not be connected to, or broke the connection before its answer. The last backend that
/// is usable is not ejected: a request that may fail is better than one that must.
[[nodiscard]] BackendChange note_failure(Backends& backends, std::size_t index, SteadyTime now);
[[nodiscard]] BackendChange note_check(Backends& backends, std::size_t index, bool passed,
                                       const BalancingLimits& limits, SteadyTime now);

}  // namespace larder::policy
