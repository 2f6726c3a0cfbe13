#include "server.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "session/health_check.hpp"

namespace larder {

namespace {
constexpr std::chrono::milliseconds drain_check{20};
/// How often a thread looks whether its store can be used.
constexpr std::chrono::milliseconds store_check{250};
constexpr std::chrono::milliseconds first_store_check{10};
/// A Larder whose Redis does not answer is ready all the same after this long, and says so.
constexpr std::chrono::seconds start_patience{2};
}  // namespace

/// One thread: its worker, its listener, its timer for draining.
struct Server::Thread {
  Thread(session::Shared& shared, const std::shared_ptr<const session::RuleSet>& rules)
      : worker(shared, rules), listener(worker), drain_timer(worker.io), store_timer(worker.io) {}

  session::Worker worker;
  session::Listener listener;
  Timer drain_timer;
  Timer store_timer;
  std::atomic<bool> store_available{false};
  std::thread thread;
};

Server::Server(config::Config config)
    : config_(std::move(config)),
      stores_(config_.settings.memory),
      trusted_(config_.settings.trusted_proxies),
      backends_(config_.settings),
      admission_(config_.settings.origin_limit, config_.settings.origin_queue,
                 config_.settings.origin_queue_timeout),
      access_log_(config_.settings),
      shared_{.settings = config_.settings,
              .clock = clock_,
              .local_stamps = stores_.stamps,
              .collapse = collapse_,
              .records = *this,
              .trusted = trusted_,
              .backends = backends_,
              .admission = admission_} {
  unsigned count = config_.settings.threads;
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  const auto rules = std::make_shared<const session::RuleSet>(config_.routes);
  for (unsigned i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<Thread>(shared_, rules));
    session::Worker& worker = threads_.back()->worker;
    worker.store = store::make_store(stores_, worker.io, config_.settings.redis);
  }
}

Server::~Server() {
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->worker.io.stop();
    if (thread->thread.joinable()) thread->thread.join();
  }
}

std::string Server::listen() {
  if (!backends_.failure().empty()) return "https to the upstream: " + backends_.failure();
  for (const std::unique_ptr<Thread>& thread : threads_) {
    for (const config::Endpoint& endpoint : config_.settings.listen) {
      std::string failed = thread->listener.listen(endpoint);
      if (!failed.empty()) return failed;
    }
  }
  if (config_.settings.admin) {
    admin_ = std::make_unique<ops::Admin>(
        threads_.front()->worker.io,
        ops::Admin::Sources{
            .readiness = [this]() -> ops::Admin::Readiness { return readiness(); },
            .stats =
                [this] { return counters_.format_json(backends_.status(), admission_.status()); }});
    std::string failed = admin_->listen(*config_.settings.admin);
    if (!failed.empty()) return failed;
    admin_->start();
  }
  return {};
}

ops::Admin::Readiness Server::readiness() const {
  if (draining_) return {false, "draining"};
  const bool available = std::all_of(
      threads_.begin(), threads_.end(),
      [](const std::unique_ptr<Thread>& thread) { return thread->store_available.load(); });
  if (available) return {true, "ready"};
  if (SteadyClock::now() - started_ < start_patience)
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
  for (const config::Endpoint& endpoint : config_.settings.listen)
    spdlog::info("listening on {}, upstream {}, rules: {}, threads: {}",
                 config::format_endpoint(endpoint), upstreams, config_.routes.rules.size(),
                 threads_.size());
  asio::io_context signals_io;
  asio::signal_set signals(signals_io, SIGTERM, SIGINT);
  signals.async_wait([this](const error_code& error, int number) {
    if (!error)
      spdlog::info("{}: finishing what is in flight", number == SIGTERM ? "SIGTERM" : "SIGINT");
    drain();
  });
  session::Worker& first = threads_.front()->worker;
  session::start_health_checks(first.io, first.origin);
  for (const std::unique_ptr<Thread>& thread : threads_) {
    thread->listener.start();
    asio::post(thread->worker.io, [this, &thread = *thread] { watch_store(thread); });
    thread->thread = std::thread([&io = thread->worker.io] { io.run(); });
  }
  signals_io.run_one();
  // A second signal ends it at once.
  signals.async_wait([](const error_code& error, int) {
    if (!error) std::_Exit(3);
  });
  std::thread second([&signals_io] { signals_io.run(); });
  for (const std::unique_ptr<Thread>& thread : threads_) thread->thread.join();
  signals_io.stop();
  second.join();
  spdlog::info("stopped");
  return broke_off_ ? 3 : 0;
}

void Server::drain() {
  draining_ = true;
  const SteadyClock::time_point give_up = SteadyClock::now() + config_.settings.drain_timeout;
  for (const std::unique_ptr<Thread>& thread : threads_) {
    asio::post(thread->worker.io, [this, &thread = *thread, give_up] {
      thread.listener.drain();
      finish_when_drained(thread, give_up);
    });
  }
}

void Server::finish_when_drained(Thread& thread, SteadyClock::time_point give_up) {
  const bool out_of_time = SteadyClock::now() >= give_up;
  if (out_of_time && thread.listener.has_connections()) {
    broke_off_ = true;
    thread.listener.abort();
  }
  if (!out_of_time && (thread.listener.has_connections() || thread.worker.fills > 0)) {
    thread.drain_timer.expires_after(drain_check);
    thread.drain_timer.async_wait([this, &thread, give_up](const error_code& error) {
      if (!error) finish_when_drained(thread, give_up);
    });
    return;
  }
  if (admin_ && &thread == threads_.front().get()) admin_->stop();
  thread.worker.origin.close_idle();
  thread.worker.deadlines.stop();
  thread.worker.store.reset();
  thread.worker.io.stop();
}

void Server::note(const session::ExchangeRecord& record) {
  counters_.add(record);
  access_log_.write(record);
}

}  // namespace larder
