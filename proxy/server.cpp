#include "server.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "server_thread.hpp"
#include "session/health_check.hpp"
#include "store/redis_connecting.hpp"

namespace larder {

namespace {
constexpr std::chrono::milliseconds drain_check{20};
/// How often a thread looks whether its store can be used.
constexpr std::chrono::milliseconds store_check{250};
constexpr std::chrono::milliseconds first_store_check{10};
constexpr std::chrono::seconds certificate_check{1};

unsigned thread_count(const config::Settings& settings) {
  return settings.threads > 0 ? settings.threads
                              : std::max(1U, std::thread::hardware_concurrency());
}

/// With as many clients as the limit of open files allows, which is raised first.
config::Config within_descriptors(config::Config config) {
  config::Settings& settings = config.settings;
  const std::uint64_t descriptors = session::raise_descriptor_limit();
  const unsigned allowed =
      session::connections_within(descriptors, thread_count(settings), settings.connection_limit);
  if (allowed < settings.connection_limit)
    spdlog::warn("connection_limit is {} instead of {}: the process may have {} files open",
                 allowed, settings.connection_limit, descriptors);
  settings.connection_limit = allowed;
  return config;
}
}  // namespace

Server::Server(config::LoadResult loaded, RulesSource source, ops::LineWriter& lines)
    : config_(within_descriptors(std::move(loaded.config))),
      source_(std::move(source)),
      started_with_(std::move(loaded.given)),
      stores_(config_.settings.memory,
              {.lease = config_.settings.lease, .settle = config_.settings.settle}),
      trusted_(config_.settings.trusted_proxies),
      addresses_(config_.settings.connections_per_address),
      tls_({.certificate = config_.settings.tls_certificate,
            .key = config_.settings.tls_key,
            .client_ca = config_.settings.tls_client_ca}),
      backends_(config_.settings),
      admission_(config_.settings.origin_limit, config_.settings.origin_queue,
                 config_.settings.origin_queue_timeout),
      counters_(thread_count(config_.settings)),
      lines_(lines),
      shared_{.settings = config_.settings,
              .clock = clock_,
              .local_stamps = stores_.stamps,
              .collapse = collapse_,
              .recent_keys = recent_keys_,
              .trusted = trusted_,
              .addresses = addresses_,
              .tls = tls_,
              .backends = backends_,
              .admission = admission_} {
  if (config_.settings.observe > 0) {
    observing_ = std::make_unique<session::Observing>(config_.settings.observe);
    shared_.observing = observing_.get();
  }
  if (config_.settings.redis) {
    MadeTlsContext made = store::make_redis_tls(*config_.settings.redis);
    stores_.redis_tls = std::move(made.context);
    redis_failure_ = std::move(made.failure);
    const config::RedisTls& tls = config_.settings.redis->tls;
    if (tls.is_on && !tls.verify)
      spdlog::warn("redis_verify is false: whoever answers at its address is taken for Redis");
  }
  stores_.warm = config_.settings.warm;
  if (!config_.settings.redis) stores_.settle_everything();
  const unsigned count = thread_count(config_.settings);
  if (config_.settings.otlp.endpoint)
    spans_ = std::make_unique<ops::SpanExporter>(config_.settings, count);
  rules_ = make_rules(config_.routes);
  rules_status_.rules = config_.routes.rules.size();
  for (unsigned i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<Thread>(
        shared_, counters_.block(i), lines_.add_source(ops::AccessLog::capacity),
        spans_ ? &spans_->queue(i) : nullptr, page_, rules_));
    session::Worker& worker = threads_.back()->worker;
    worker.store = store::make_store(stores_, worker.io, config_.settings.redis);
  }
  Thread& first = *threads_.front();
  first.evictions = store::make_eviction_listener(stores_, first.worker.io, *first.worker.store,
                                                  config_.settings.redis);
  first.worker.store->warm();
}

Server::~Server() {
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->worker.io.stop();
    if (thread->thread.joinable()) thread->thread.join();
  }
}

std::string Server::listen() {
  if (!redis_failure_.empty()) return "TLS to Redis: " + redis_failure_;
  if (!backends_.failure().empty()) return "https to the upstream: " + backends_.failure();
  if (!config_.settings.tls_certificate.empty()) {
    session::TlsFiles::Look look = tls_.look(true);
    if (!look.failure.empty()) return look.failure;
  }
  std::string unopened = listening_.open(config_.settings, static_cast<unsigned>(threads_.size()),
                                         session::inherited_from_environment());
  if (!unopened.empty()) return unopened;
  return config_.settings.admin ? open_admin() : std::string();
}

bool Server::is_store_available() const {
  return std::all_of(threads_.begin(), threads_.end(), [](const std::unique_ptr<Thread>& thread) {
    return thread->store_available.load();
  });
}

ops::Status Server::status() const {
  ops::Status status{
      .totals = counters_.read(),
      .uptime = std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - started_),
      .connections = shared_.connections.load(std::memory_order_relaxed),
      .requests = shared_.requests.load(std::memory_order_relaxed),
      .fills = shared_.collapse.size(),
      .memory = {stores_.memory.capacity(), stores_.memory.bytes(), stores_.memory.count(),
                 stores_.memory.given_up()},
      .backends = backends_.status(),
      .origin = admission_.status(),
      .rules = rules_status_,
      .lines_dropped = lines_.dropped()};
  if (spans_) status.spans = spans_->status();
  if (config_.settings.redis)
    status.redis = {is_store_available(), stores_.owed(), stores_.failures.load(),
                    is_store_available() ? redis_figures_ : std::nullopt};
  return status;
}

void Server::watch_store(Thread& thread) {
  ++thread.rounds;
  if (!thread.worker.store) return;
  const bool available = thread.worker.store->is_available();
  thread.store_available = available;
  const bool is_starting = !available && SteadyClock::now() - started_ < start_patience;
  thread.store_timer.expires_after(is_starting ? first_store_check : store_check);
  thread.store_timer.async_wait([this, &thread](const error_code& error) {
    if (!error) watch_store(thread);
  });
}

int Server::run() {
  std::string upstreams;
  for (const config::Upstream& upstream : config_.settings.upstreams)
    upstreams += (upstreams.empty() ? "" : ", ") + config::format_upstream(upstream);
  for (const std::string& address : listening_.shown())
    spdlog::info("listening on {}, upstream {}, rules: {}, threads: {}", address, upstreams,
                 config_.routes.rules.size(), threads_.size());
  session::Worker& first = threads_.front()->worker;
  session::start_health_checks(first.io, first.origin);
  watch_signals();
  watch_rules();
  if (admin_) asio::co_spawn(control_, watch_page(), asio::detached);
  if (config_.settings.redis) asio::co_spawn(control_, watch_redis(), asio::detached);
  if (tls_.context()) watch_certificate();
  serving_ = threads_.size();
  for (unsigned index = 0; index < threads_.size(); ++index) {
    Thread& thread = *threads_[index];
    thread.listener.start(listening_.take(index));
    asio::post(thread.worker.io, [this, &thread] { watch_store(thread); });
    thread.thread = std::thread([this, &io = thread.worker.io] {
      io.run();
      asio::post(control_, [this] {
        if (--serving_ == 0) control_.stop();
      });
    });
  }
  if (admin_) admin_->start();
  if (service_.is_there()) asio::co_spawn(control_, watch_service(), asio::detached);
  control_.run();
  for (const std::unique_ptr<Thread>& thread : threads_) thread->thread.join();
  spdlog::info("stopped");
  return broke_off_ ? 3 : 0;
}

void Server::watch_signals() {
  ending_.add(SIGTERM);
  ending_.add(SIGINT);
  hangup_.add(SIGHUP);
  ending_.async_wait([this](const error_code& error, int number) {
    if (error) return;
    spdlog::info("{}: finishing what is in flight", number == SIGTERM ? "SIGTERM" : "SIGINT");
    drain();
    // A second signal ends it at once.
    ending_.async_wait([](const error_code& failed, int) {
      if (!failed) std::_Exit(3);
    });
  });
  watch_hangup();
}

void Server::watch_hangup() {
  hangup_.async_wait([this](const error_code& error, int) {
    if (error) return;
    if (tls_.context()) look_at_certificate(true);
    if (!source_.path.empty()) asio::co_spawn(control_, reload("SIGHUP"), asio::detached);
    watch_hangup();
  });
}

void Server::watch_certificate() {
  certificate_timer_.expires_after(certificate_check);
  certificate_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    look_at_certificate(false);
    watch_certificate();
  });
}

void Server::look_at_certificate(bool always) {
  using Result = session::TlsFiles::Look::Result;
  const session::TlsFiles::Look look = tls_.look(always);
  switch (look.result) {
    case Result::unchanged:
      break;
    case Result::taken:
      spdlog::info("the certificate {} was read again", config_.settings.tls_certificate);
      break;
    case Result::refused:
      spdlog::warn("the certificate stays as it was: {}", look.failure);
      break;
  }
}

void Server::drain() {
  draining_ = true;
  service_.tell("STOPPING=1\nSTATUS=finishing what is in flight");
  listening_.remove_files();
  const SteadyClock::time_point give_up = SteadyClock::now() + config_.settings.drain_timeout;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    asio::post(thread->worker.io, [this, &thread = *thread, give_up] {
      thread.listener.drain();
      if (stores_.warm > 0) asio::co_spawn(thread.worker.io, leave(thread), asio::detached);
      finish_when_drained(thread, give_up);
    });
  }
}

awaitable<void> Server::leave(Thread& thread) {
  thread.is_leaving = true;
  co_await thread.worker.store->leave();
  thread.is_leaving = false;
}

void Server::finish_when_drained(Thread& thread, SteadyClock::time_point give_up) {
  const bool only_streams = thread.listener.has_only_streams();
  const bool is_finished = only_streams && thread.worker.fills == 0 && !thread.is_leaving;
  if (!is_finished && SteadyClock::now() < give_up) {
    thread.drain_timer.expires_after(drain_check);
    thread.drain_timer.async_wait([this, &thread, give_up](const error_code& error) {
      if (!error) finish_when_drained(thread, give_up);
    });
    return;
  }
  thread.listener.end_streams();
  if (!only_streams) {
    broke_off_ = true;
    thread.listener.abort();
  }
  thread.worker.origin.close_idle();
  thread.worker.deadlines.stop();
  thread.close_evictions();
  thread.worker.store.reset();
  thread.worker.io.stop();
}

}  // namespace larder
