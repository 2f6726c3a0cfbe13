#include "session/origin_pool.hpp"

#include <algorithm>
#include <utility>

namespace larder::session {

namespace {

bool contains(const Addresses& addresses, const Address& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool is_same_set(const Addresses& a, const Addresses& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const Address& address) {
           return contains(b, address);
         });
}

}  // namespace

OriginPool::OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings,
                       Backends& backends, Admission& admission, Resolve resolve)
    : io_(io),
      deadlines_(deadlines),
      settings_(settings),
      backends_(backends),
      admission_(admission),
      resolve_(resolve ? std::move(resolve) : system_resolve(io, deadlines)),
      named_(backends.size()) {
  for (std::size_t i = 0; i < named_.size(); ++i) {
    named_[i].addresses = literal_addresses(backends.upstream(i).endpoint);
    named_[i].is_literal = !named_[i].addresses.empty();
  }
}

awaitable<Admission::Admitted> OriginPool::admit(Admission::HasLeft has_left) {
  return admission_.admit(io_.get_executor(), std::move(has_left));
}

OriginConnectionPointer OriginPool::acquire_now(Backends::Chosen& turn,
                                                SteadyClock::time_point now) {
  turn = backends_.choose({}, now);
  const std::size_t backend = turn.choice.index;
  if (is_due(named_[backend], now)) return nullptr;
  OriginConnectionPointer connection = take_idle(backend, now);
  if (connection) connection->in_flight = std::move(turn.in_flight);
  return connection;
}

awaitable<OriginPool::Acquired> OriginPool::acquire(bool fresh,
                                                    std::optional<Backends::Chosen> turn) {
  std::vector<bool> tried(backends_.size());
  FetchFailure last = FetchFailure::refused;
  while (true) {
    Backends::Chosen chosen =
        turn ? *std::exchange(turn, std::nullopt) : backends_.choose(tried, SteadyClock::now());
    if (chosen.choice.reason == policy::BackendChoice::Reason::none_left) co_return last;
    const std::size_t backend = chosen.choice.index;
    tried[backend] = true;
    if (!fresh && is_due(named_[backend], SteadyClock::now())) {
      // Before an idle connection is used: the name may lead elsewhere by now.
      const FetchFailure ignored = co_await look_up(backend, settings_.connect_timeout);
      (void)ignored;  // connecting, if it comes to that, will say so
    }
    OriginConnectionPointer connection = fresh ? nullptr : take_idle(backend, SteadyClock::now());
    if (!connection) {
      std::string why;
      Acquired connected = co_await connect(backend, settings_.connect_timeout, why);
      if (const auto* failure = std::get_if<FetchFailure>(&connected)) {
        last = *failure;
        backends_.note_failure(backend, why);
        continue;
      }
      connection = std::move(std::get<OriginConnectionPointer>(connected));
    }
    connection->in_flight = std::move(chosen.in_flight);
    co_return connection;
  }
}

awaitable<OriginPool::Acquired> OriginPool::connect(std::size_t backend, milliseconds timeout,
                                                    std::string& why) {
  Named& named = named_[backend];
  SteadyClock::time_point give_up = SteadyClock::now() + timeout;
  if (is_due(named, SteadyClock::now()) || named.addresses.empty()) {
    const FetchFailure unresolved = co_await look_up(backend, timeout);
    if (unresolved != FetchFailure::none) {
      why = describe(unresolved);
      co_return unresolved;
    }
  }
  for (bool is_second = false;; is_second = true) {
    Addresses addresses = interleave(named.addresses);
    auto connected = co_await connect_first(io_, addresses, time_until(give_up), why);
    if (auto* made = std::get_if<Connected>(&connected)) {
      auto connection = std::make_unique<OriginConnection>(std::move(*made), backend, deadlines_);
      if (!backends_.upstream(backend).is_encrypted) co_return connection;
      Acquired encrypted = co_await encrypt(std::move(connection), time_until(give_up), why);
      co_return encrypted;
    }
    const FetchFailure failure = std::get<FetchFailure>(connected);
    if (named.is_literal || is_second) co_return failure;
    // The name may lead elsewhere by now. If it does, that is another one to connect to.
    const FetchFailure unresolved = co_await look_up(backend, timeout);
    if (unresolved != FetchFailure::none || is_same_set(addresses, named.addresses))
      co_return failure;
    give_up = SteadyClock::now() + timeout;
  }
}

awaitable<OriginPool::Acquired> OriginPool::encrypt(OriginConnectionPointer connection,
                                                    milliseconds timeout, std::string& why) {
  TlsSession session(backends_.tls(), TlsSession::Role::client,
                     connection->stream.socket().native_handle(),
                     backends_.server_name(connection->backend));
  const IoStatus status = co_await connection->stream.start_tls(std::move(session), timeout);
  if (status == IoStatus::ok) co_return connection;
  if (status == IoStatus::timed_out) {
    why = "the TLS handshake did not end in time";
    co_return FetchFailure::connect_timed_out;
  }
  const std::string_view reason = connection->stream.tls_failure();
  why = "TLS: ";
  why += reason.empty() ? std::string_view("the connection was closed") : reason;
  co_return FetchFailure::tls_failed;
}

bool OriginPool::is_due(const Named& named, SteadyClock::time_point now) const {
  return !named.is_literal && !named.is_asking &&
         now - named.asked_at >= settings_.resolve_interval;
}

awaitable<FetchFailure> OriginPool::look_up(std::size_t backend, milliseconds timeout) {
  Named& named = named_[backend];
  named.is_asking = true;
  Resolved resolved = co_await resolve_(backends_.upstream(backend).endpoint, timeout);
  named.is_asking = false;
  named.asked_at = SteadyClock::now();
  if (const auto* failure = std::get_if<FetchFailure>(&resolved))
    co_return named.addresses.empty() ? *failure : FetchFailure::none;
  named.addresses = std::move(std::get<Addresses>(resolved));
  std::erase_if(idle_, [&](const OriginConnectionPointer& connection) {
    return connection->backend == backend && !contains(named.addresses, connection->address);
  });
  co_return FetchFailure::none;
}

OriginConnectionPointer OriginPool::take_idle(std::size_t backend, SteadyClock::time_point now) {
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (idle_[i]->backend != backend) continue;
    OriginConnectionPointer connection = std::move(idle_[i]);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    const bool too_old = now - connection->idle_since >= settings_.origin_idle_timeout;
    if (!too_old) return connection;
  }
  return nullptr;
}

void OriginPool::release(OriginConnectionPointer connection) {
  connection->begin_anew();
  if (idle_.size() >= settings_.origin_idle_limit || settings_.origin_idle_timeout.count() == 0 ||
      !contains(named_[connection->backend].addresses, connection->address))
    return;
  connection->idle_since = SteadyClock::now();
  idle_.push_back(std::move(connection));
  if (!sweep_.is_linked()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

void OriginPool::close_idle() {
  idle_.clear();
}

void OriginPool::sweep() {
  const SteadyClock::time_point now = SteadyClock::now();
  std::erase_if(idle_, [&](const OriginConnectionPointer& connection) {
    return now - connection->idle_since >= settings_.origin_idle_timeout;
  });
  if (!idle_.empty()) deadlines_.set(sweep_, settings_.origin_idle_timeout);
}

}  // namespace larder::session
