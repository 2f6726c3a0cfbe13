#include "policy/balancing.hpp"

#include <algorithm>

namespace larder::policy {

namespace {

/// What a backend gets at least of the choices that it would have had, just back.
constexpr double smallest_share = 0.1;

bool is_out(const Backend& backend, SteadyTime now) {
  return backend.is_unhealthy || (backend.out_until && now < *backend.out_until);
}

/// Since when it serves again; nothing: it was never out.
std::optional<SteadyTime> serves_since(const Backend& backend) {
  std::optional<SteadyTime> since = backend.back_since;
  if (backend.out_until && (!since || *backend.out_until > *since)) since = backend.out_until;
  return since;
}

double share_of(const Backend& backend, const BalancingLimits& limits, SteadyTime now) {
  const std::optional<SteadyTime> since = serves_since(backend);
  if (!since || limits.slow_start.count() == 0) return 1.0;
  const std::chrono::duration<double> served = now - *since;
  return std::max(smallest_share, served / limits.slow_start);
}

/// Evenly spread over [0, 1) by the golden ratio, whatever part of the turns is looked at.
double ticket_of(std::uint64_t turn) {
  constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
  return static_cast<double>((turn * golden) >> 11U) * 0x1p-53;
}

}  // namespace

BackendState state_of(const Backend& backend, const BalancingLimits& limits, SteadyTime now) {
  if (backend.is_unhealthy) return BackendState::unhealthy;
  if (is_out(backend, now)) return BackendState::ejected;
  return share_of(backend, limits, now) < 1.0 ? BackendState::starting : BackendState::in;
}

BackendChoice choose_backend(const Backends& backends, const std::vector<bool>& tried,
                             const BalancingLimits& limits, std::uint64_t turn, SteadyTime now) {
  const double ticket = ticket_of(turn);
  std::optional<std::size_t> chosen;
  std::optional<std::size_t> starting;  // the best of those whose share does not reach this turn
  std::optional<std::size_t> longest_out;
  const auto is_less_loaded = [&](std::size_t index, const std::optional<std::size_t>& than) {
    return !than || backends[index].in_flight < backends[*than].in_flight;
  };
  for (std::size_t step = 0; step < backends.size(); ++step) {
    const std::size_t index = (turn + step) % backends.size();
    const Backend& backend = backends[index];
    if (!tried.empty() && tried[index]) continue;
    if (is_out(backend, now)) {
      if (!longest_out || backend.out_since < backends[*longest_out].out_since) longest_out = index;
    } else if (share_of(backend, limits, now) <= ticket) {
      if (is_less_loaded(index, starting)) starting = index;
    } else if (is_less_loaded(index, chosen)) {
      chosen = index;
    }
  }
  if (!chosen) chosen = starting;
  if (chosen) return {BackendChoice::Reason::least_loaded, *chosen};
  if (longest_out) return {BackendChoice::Reason::none_usable, *longest_out};
  return {};
}

BackendChange note_success(Backends& backends, std::size_t index, SteadyTime now) {
  Backend& backend = backends[index];
  const bool was_ejected = backend.ejections > 0;
  backend.failures = 0;
  backend.ejections = 0;
  if (!was_ejected) return BackendChange::none;
  // It may have been asked before its time, when nobody else was left.
  if (backend.out_until && now < *backend.out_until) {
    backend.out_until.reset();
    backend.back_since = now;
  }
  return BackendChange::back;
}

BackendChange note_failure(Backends& backends, std::size_t index, SteadyTime now) {
  Backend& backend = backends[index];
  ++backend.failures;
  const bool is_asked_in_need = is_out(backend, now);
  if (backend.failures < failures_to_eject || is_asked_in_need) return BackendChange::none;
  bool others_usable = false;
  for (std::size_t other = 0; other < backends.size(); ++other)
    others_usable = others_usable || (other != index && !is_out(backends[other], now));
  if (!others_usable) return BackendChange::none;
  const unsigned doublings = std::min(backend.ejections, 5U);
  backend.out_until = now + std::min(first_ejection * (1U << doublings), longest_ejection);
  backend.out_since = now;
  ++backend.ejections;
  return BackendChange::ejected;
}

BackendChange note_check(Backends& backends, std::size_t index, bool passed,
                         const BalancingLimits& limits, SteadyTime now) {
  Backend& backend = backends[index];
  if (passed != backend.is_unhealthy) {
    backend.checks = 0;
    return BackendChange::none;
  }
  ++backend.checks;
  if (backend.checks < (passed ? limits.checks_to_return : limits.checks_to_leave))
    return BackendChange::none;
  backend.checks = 0;
  backend.is_unhealthy = !passed;
  if (!passed) {
    backend.out_since = now;
    return BackendChange::unhealthy;
  }
  backend.back_since = now;
  backend.failures = 0;
  backend.ejections = 0;
  backend.out_until.reset();
  return BackendChange::healthy;
}

}  // namespace larder::policy
