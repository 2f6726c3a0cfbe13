// Stats: the answer of /stats, which `larder stats` shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/counters.hpp"
#include "ops/rules_status.hpp"
#include "session/admission.hpp"
#include "session/backends.hpp"
#include "store/redis_figures.hpp"

namespace larder::ops {

/// What there is to know of Redis now, and what it has failed at so far.
struct RedisStatus {
  bool is_usable = false;             ///< by every thread
  std::size_t pending_evictions = 0;  ///< tags whose eviction it has not acknowledged yet
  std::uint64_t failures = 0;         ///< lookups and stores that it refused or did not answer
  std::optional<store::RedisFigures> figures{};  ///< as they were lately; nothing: not known
};

/// Spans that were made for a collector.
struct SpanStatus {
  std::uint64_t exported = 0;
  std::uint64_t dropped = 0;
};

struct MemoryStatus {
  std::uint64_t capacity = 0;  ///< bytes; zero: there is no memory tier
  std::uint64_t bytes = 0;
  std::uint64_t responses = 0;
  std::uint64_t given_up = 0;  ///< so far, since others needed their room
};

/// How it stands now, and what has been counted so far.
struct Status {
  Totals totals;
  std::chrono::seconds uptime{0};
  unsigned connections = 0;  ///< of clients, open now
  unsigned requests = 0;     ///< in flight now
  std::size_t fills = 0;     ///< in flight now
  MemoryStatus memory;
  std::vector<session::Backends::Status> backends;
  session::Admission::Status origin;
  RulesStatus rules;
  std::optional<RedisStatus> redis{};  ///< nothing: none is configured
  std::optional<SpanStatus> spans{};   ///< nothing: no collector is configured
  std::uint64_t lines_dropped = 0;     ///< of the log, since stderr took none
};

/// "in", "starting", "ejected", "unhealthy".
[[nodiscard]] std::string_view format_backend_state(policy::BackendState state);
/// "stored", "freshened", "found", "not-stored", "failed".
[[nodiscard]] std::string_view format_fill_end(session::FillEnd end);
[[nodiscard]] std::string_view format_finding(policy::VerifiedHit::Finding finding);
/// Lower case: "hit".
[[nodiscard]] std::string_view format_outcome(policy::CacheResult result);

/// A JSON object.
[[nodiscard]] std::string format_json(const Status& status);

}  // namespace larder::ops
