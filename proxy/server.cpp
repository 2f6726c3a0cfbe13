#include "server.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "ops/recorder.hpp"
#include "session/health_check.hpp"
#include "store/redis_connecting.hpp"

namespace larder {

namespace {
constexpr std::chrono::milliseconds drain_check{20};
/// How often a thread looks whether its store can be used.
constexpr std::chrono::milliseconds store_check{250};
constexpr std::chrono::milliseconds first_store_check{10};
/// A Larder whose Redis does not answer is ready all the same after this long, and says so.
constexpr std::chrono::seconds start_patience{2};
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

/// One thread: its worker, its listener, its timer for draining.
struct Server::Thread {
  Thread(session::Shared& shared, ops::Counters::Block& counters, ops::AccessLog& log,
         const std::shared_ptr<const session::RuleSet>& rules)
      : recorder(counters, log),
        worker(shared, recorder, rules),
        listener(worker),
        drain_timer(worker.io),
        store_timer(worker.io) {}
  ~Thread() { close_evictions(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void close_evictions() {
    if (evictions) evictions->close();
  }

  ops::Recorder recorder;
  session::Worker worker;
  session::Listener listener;
  Timer drain_timer;
  Timer store_timer;
  std::shared_ptr<store::EvictionListener> evictions;  ///< of one thread, for all
  std::atomic<bool> store_available{false};
  std::thread thread;
};

struct Server::Watch {
  asio::io_context io{1};
  asio::signal_set ending{io, SIGTERM, SIGINT};
  asio::signal_set hangup{io, SIGHUP};
  Timer certificate{io};
  std::size_t threads = 0;  ///< still serving
};

Server::Server(config::Config config)
    : config_(within_descriptors(std::move(config))),
      stores_(config_.settings.memory, config_.settings.settle),
      trusted_(config_.settings.trusted_proxies),
      addresses_(config_.settings.connections_per_address),
      tls_({.certificate = config_.settings.tls_certificate,
            .key = config_.settings.tls_key,
            .client_ca = config_.settings.tls_client_ca}),
      backends_(config_.settings),
      admission_(config_.settings.origin_limit, config_.settings.origin_queue,
                 config_.settings.origin_queue_timeout),
      counters_(thread_count(config_.settings)),
      access_log_(config_.settings),
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
  if (config_.settings.redis) {
    MadeTlsContext made = store::make_redis_tls(*config_.settings.redis);
    stores_.redis_tls = std::move(made.context);
    redis_failure_ = std::move(made.failure);
    const config::RedisTls& tls = config_.settings.redis->tls;
    if (tls.is_on && !tls.verify)
      spdlog::warn("redis_verify is false: whoever answers at its address is taken for Redis");
  }
  const unsigned count = thread_count(config_.settings);
  const std::shared_ptr<const session::RuleSet> rules = make_rules(config_.routes);
  for (unsigned i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<Thread>(shared_, counters_.block(i), access_log_, rules));
    session::Worker& worker = threads_.back()->worker;
    worker.store = store::make_store(stores_, worker.io, config_.settings.redis);
  }
  Thread& first = *threads_.front();
  first.evictions = store::make_eviction_listener(stores_, first.worker.io, *first.worker.store,
                                                  config_.settings.redis);
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
  if (config_.settings.admin) {
    admin_ = std::make_unique<ops::Admin>(
        threads_.front()->worker.io,
        ops::Admin::Sources{.readiness = [this]() -> ops::Admin::Readiness { return readiness(); },
                            .stats = [this] { return ops::format_json(status()); },
                            .metrics =
                                [this](std::string_view accept) {
                                  return ops::make_metrics_page(metrics_, accept);
                                }});
    std::string failed = admin_->listen(*config_.settings.admin);
    if (!failed.empty()) return failed;
    admin_->start();
  }
  return {};
}

bool Server::is_store_available() const {
  return std::all_of(threads_.begin(), threads_.end(), [](const std::unique_ptr<Thread>& thread) {
    return thread->store_available.load();
  });
}

std::shared_ptr<const session::RuleSet> Server::make_rules(policy::Routes routes) {
  std::vector<session::RuleSlot> slots = counters_.slots_of(routes);
  return std::make_shared<const session::RuleSet>(std::move(routes), std::move(slots));
}

ops::Status Server::status() const {
  ops::Status status{
      .totals = counters_.read(),
      .uptime = std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - started_),
      .connections = shared_.connections.load(std::memory_order_relaxed),
      .requests = shared_.requests.load(std::memory_order_relaxed),
      .memory = {stores_.memory.capacity(), stores_.memory.bytes(), stores_.memory.count()},
      .backends = backends_.status(),
      .origin = admission_.status(),
      .lines_dropped = access_log_.dropped()};
  if (config_.settings.redis)
    status.redis = {is_store_available(), stores_.owed(), stores_.failures.load()};
  return status;
}

ops::Admin::Readiness Server::readiness() {
  if (draining_) return {false, "draining"};
  if (is_store_available()) {
    was_ready_ = true;
    return {true, "ready"};
  }
  if (!was_ready_ && SteadyClock::now() - started_ < start_patience)
    return {false, "starting: Redis has not answered yet"};
  return {true, "ready, degraded: Redis is not usable, every request goes to the upstream"};
}

void Server::watch_store(Thread& thread) {
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
  Watch watch;
  watch_signals(watch);
  if (tls_.context()) watch_certificate(watch);
  watch.threads = threads_.size();
  for (unsigned index = 0; index < threads_.size(); ++index) {
    Thread& thread = *threads_[index];
    thread.listener.start(listening_.take(index));
    asio::post(thread.worker.io, [this, &thread] { watch_store(thread); });
    thread.thread = std::thread([&io = thread.worker.io, &watch] {
      io.run();
      asio::post(watch.io, [&watch] {
        if (--watch.threads == 0) watch.io.stop();
      });
    });
  }
  watch.io.run();
  for (const std::unique_ptr<Thread>& thread : threads_) thread->thread.join();
  spdlog::info("stopped");
  return broke_off_ ? 3 : 0;
}

void Server::watch_signals(Watch& watch) {
  watch.ending.async_wait([this, &watch](const error_code& error, int number) {
    if (error) return;
    spdlog::info("{}: finishing what is in flight", number == SIGTERM ? "SIGTERM" : "SIGINT");
    drain();
    // A second signal ends it at once.
    watch.ending.async_wait([](const error_code& failed, int) {
      if (!failed) std::_Exit(3);
    });
  });
  watch_hangup(watch);
}

void Server::watch_hangup(Watch& watch) {
  watch.hangup.async_wait([this, &watch](const error_code& error, int) {
    if (error) return;
    if (tls_.context()) look_at_certificate(true);
    watch_hangup(watch);
  });
}

void Server::watch_certificate(Watch& watch) {
  watch.certificate.expires_after(certificate_check);
  watch.certificate.async_wait([this, &watch](const error_code& error) {
    if (error) return;
    look_at_certificate(false);
    watch_certificate(watch);
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
  listening_.remove_files();
  const SteadyClock::time_point give_up = SteadyClock::now() + config_.settings.drain_timeout;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    asio::post(thread->worker.io, [this, &thread = *thread, give_up] {
      thread.listener.drain();
      finish_when_drained(thread, give_up);
    });
  }
}

void Server::finish_when_drained(Thread& thread, SteadyClock::time_point give_up) {
  const bool only_streams = thread.listener.has_only_streams();
  const bool is_finished = only_streams && thread.worker.fills == 0;
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
  if (admin_ && &thread == threads_.front().get()) admin_->stop();
  thread.worker.origin.close_idle();
  thread.worker.deadlines.stop();
  thread.close_evictions();
  thread.worker.store.reset();
  thread.worker.io.stop();
}

}  // namespace larder
