// Backends: what all threads know of the origin's backends, and who gets the next request.
//
// The decisions are policy/balancing's; here they are made one at a time, and news is logged once.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "policy/balancing.hpp"
#include "store/io.hpp"
#include "store/state_log.hpp"
#include "store/tls.hpp"

namespace larder::session {

class Backends;

/// Counts as one request in flight to a backend for as long as it lives.
class InFlight {
 public:
  InFlight() = default;
  InFlight(Backends& backends, std::size_t index) : backends_(&backends), index_(index) {}
  InFlight(InFlight&& other) noexcept
      : backends_(std::exchange(other.backends_, nullptr)), index_(other.index_) {}
  InFlight& operator=(InFlight&& other) noexcept;
  ~InFlight() { end(); }
  void end();

 private:
  Backends* backends_ = nullptr;  ///< null: nothing counts
  std::size_t index_ = 0;
};

class Backends {
 public:
  explicit Backends(const config::Settings& settings);
  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  /// Why the settings of TLS cannot be used, in words; empty: they can, or nothing is encrypted.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::size_t size() const { return upstreams_.size(); }
  [[nodiscard]] const config::Upstream& upstream(std::size_t index) const {
    return upstreams_[index];
  }
  /// Asked for in the handshake, and to be in the certificate.
  [[nodiscard]] std::string server_name(std::size_t index) const;
  [[nodiscard]] const TlsContext& tls() const { return tls_; }

  struct Chosen {
    policy::BackendChoice choice;
    InFlight in_flight;  ///< empty when none is left
  };
  /// `tried`: per backend, whether this request has tried it already; empty: none.
  [[nodiscard]] Chosen choose(const std::vector<bool>& tried, SteadyClock::time_point now);

  // What became of it.
  void note_success(std::size_t index);
  /// `why`: "connection refused", "certificate verify failed", for the log.
  void note_failure(std::size_t index, std::string_view why);
  void note_check(std::size_t index, bool passed, std::string_view why);

  struct Status {
    std::string upstream;
    policy::BackendState state = policy::BackendState::in;
    unsigned in_flight = 0;
    std::uint64_t ejected = 0;  ///< how often since the start
  };
  [[nodiscard]] std::vector<Status> status() const;

 private:
  friend class InFlight;
  void end(std::size_t index);
  /// Unless the log says so already. `level`: spdlog's.
  void say(std::size_t index, int level, const std::string& what);

  const std::vector<config::Upstream> upstreams_;
  const config::UpstreamTls tls_settings_;
  const policy::BalancingLimits limits_;
  TlsContext tls_;
  std::string failure_;
  store::StateLog log_;
  /// Of one backend what every request touches, without a lock.
  struct Counts {
    std::atomic<unsigned> in_flight{0};
    std::atomic<bool> has_failed{false};  ///< since it last answered; else there is no news in that
  };
  std::vector<Counts> counts_;
  mutable std::mutex mutex_;  ///< of what follows
  policy::Backends states_;   ///< in_flight: as of the last choice
  std::vector<std::uint64_t> ejected_;
  std::uint64_t turn_ = 0;
};

}  // namespace larder::session
