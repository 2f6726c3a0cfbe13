#include "session/backends.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace larder::session {

InFlight& InFlight::operator=(InFlight&& other) noexcept {
  if (this == &other) return *this;
  end();
  backends_ = std::exchange(other.backends_, nullptr);
  index_ = other.index_;
  return *this;
}

void InFlight::end() {
  if (Backends* backends = std::exchange(backends_, nullptr)) backends->end(index_);
}

Backends::Backends(const config::Settings& settings)
    : upstreams_(settings.upstreams),
      tls_settings_(settings.upstream_tls),
      limits_{.slow_start = settings.slow_start,
              .checks_to_leave = settings.health_check.failures,
              .checks_to_return = settings.health_check.successes},
      counts_(upstreams_.size()),
      states_(upstreams_.size()),
      ejected_(upstreams_.size()) {
  const bool encrypts =
      std::any_of(upstreams_.begin(), upstreams_.end(),
                  [](const config::Upstream& upstream) { return upstream.is_encrypted; });
  if (!encrypts) return;
  MadeTlsContext made = make_client_context({.ca_file = tls_settings_.ca,
                                             .verify = tls_settings_.verify,
                                             .certificate = tls_settings_.certificate,
                                             .key = tls_settings_.key});
  tls_ = std::move(made.context);
  failure_ = std::move(made.failure);
  if (!tls_settings_.verify)
    spdlog::warn(
        "upstream_verify is false: the certificate of an https upstream is not looked at, "
        "anybody on the way may answer in its place");
}

std::string Backends::server_name(std::size_t index) const {
  return tls_settings_.server_name.empty() ? upstreams_[index].endpoint.host
                                           : tls_settings_.server_name;
}

Backends::Chosen Backends::choose(const std::vector<bool>& tried, SteadyClock::time_point now) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < states_.size(); ++i)
    states_[i].in_flight = counts_[i].in_flight.load(std::memory_order_relaxed);
  Chosen chosen;
  chosen.choice = policy::choose_backend(states_, tried, limits_, turn_++, now);
  if (chosen.choice.reason == policy::BackendChoice::Reason::none_left) return chosen;
  counts_[chosen.choice.index].in_flight.fetch_add(1, std::memory_order_relaxed);
  chosen.in_flight = InFlight(*this, chosen.choice.index);
  return chosen;
}

void Backends::end(std::size_t index) {
  counts_[index].in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void Backends::note_success(std::size_t index) {
  if (!counts_[index].has_failed.load(std::memory_order_relaxed)) return;
  bool had_failed = false;
  {
    const std::scoped_lock lock(mutex_);
    had_failed = states_[index].failures > 0;
    const policy::BackendChange ignored = policy::note_success(states_, index, SteadyClock::now());
    (void)ignored;  // back or not, it had failed before
    counts_[index].has_failed.store(false, std::memory_order_relaxed);
  }
  if (had_failed) say(index, spdlog::level::info, "answers again");
}

void Backends::note_failure(std::size_t index, std::string_view why) {
  policy::BackendChange change = policy::BackendChange::none;
  {
    const std::scoped_lock lock(mutex_);
    change = policy::note_failure(states_, index, SteadyClock::now());
    counts_[index].has_failed.store(true, std::memory_order_relaxed);
    if (change == policy::BackendChange::ejected) ++ejected_[index];
  }
  const std::string line(why);
  say(index, spdlog::level::warn,
      change == policy::BackendChange::ejected ? "left out for a while: " + line : line);
}

void Backends::note_check(std::size_t index, bool passed, std::string_view why) {
  policy::BackendChange change = policy::BackendChange::none;
  {
    const std::scoped_lock lock(mutex_);
    change = policy::note_check(states_, index, passed, limits_, SteadyClock::now());
  }
  if (change == policy::BackendChange::unhealthy)
    say(index, spdlog::level::warn, "left out until its health checks pass: " + std::string(why));
  if (change == policy::BackendChange::healthy)
    say(index, spdlog::level::info, "its health checks pass again");
}

void Backends::say(std::size_t index, int level, const std::string& what) {
  const std::string subject = "upstream " + format_upstream(upstreams_[index]);
  if (log_.is_news(subject, what, SteadyClock::now()))
    spdlog::log(static_cast<spdlog::level::level_enum>(level), "{}: {}", subject, what);
}

std::vector<Backends::Status> Backends::status() const {
  const SteadyClock::time_point now = SteadyClock::now();
  const std::scoped_lock lock(mutex_);
  std::vector<Status> all;
  for (std::size_t i = 0; i < states_.size(); ++i)
    all.push_back({format_upstream(upstreams_[i]), policy::state_of(states_[i], limits_, now),
                   counts_[i].in_flight.load(std::memory_order_relaxed), ejected_[i]});
  return all;
}

}  // namespace larder::session
