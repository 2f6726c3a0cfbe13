// Server: the objects of a running Larder and the order in which they start and stop.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "config/config.hpp"
#include "config/load.hpp"
#include "ops/admin.hpp"
#include "ops/counters.hpp"
#include "ops/line_writer.hpp"
#include "ops/metrics.hpp"
#include "ops/page_data.hpp"
#include "ops/rules_status.hpp"
#include "ops/rules_watch.hpp"
#include "ops/service_manager.hpp"
#include "ops/shadow_report.hpp"
#include "ops/span_exporter.hpp"
#include "ops/stats.hpp"
#include "session/admission.hpp"
#include "session/backends.hpp"
#include "session/clock.hpp"
#include "session/collapse.hpp"
#include "session/limits.hpp"
#include "session/listener.hpp"
#include "session/listening.hpp"
#include "session/observing.hpp"
#include "session/tls_files.hpp"
#include "session/trusted.hpp"
#include "session/worker.hpp"
#include "store/eviction_listener.hpp"
#include "store/tiered_store.hpp"

namespace larder {

/// Where the rules were read, and how they are read again.
struct RulesSource {
  std::string path;       ///< a file or folder; empty: there are none
  std::string signature;  ///< ops::rules_signature, from before they were read
  std::function<config::LoadResult()> read;
};

class Server {
 public:
  /// `lines`: for the log; outlives this.
  Server(config::LoadResult loaded, RulesSource source, ops::LineWriter& lines);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Binds every listener. What failed in words, empty on success.
  [[nodiscard]] std::string listen();
  /// Serves until SIGTERM or SIGINT, then drains. The exit code: 0 when every request in flight was
  /// answered within the drain timeout, 3 when some were broken off. SIGHUP reads the rules and the
  /// certificate again.
  [[nodiscard]] int run();

 private:
  struct Thread;

  /// A Larder whose Redis does not answer is ready all the same after this long, and says so.
  static constexpr std::chrono::seconds start_patience{2};

  [[nodiscard]] bool is_store_available() const;
  /// Of rules that are to come into force.
  [[nodiscard]] std::shared_ptr<const session::RuleSet> make_rules(policy::Routes routes);
  /// On the main thread, as what follows.
  [[nodiscard]] ops::Status status() const;
  struct Readiness {
    bool is_ready = false;
    std::string text;  ///< "ready", "ready, degraded: Redis is not usable, ...", "draining"
  };
  [[nodiscard]] Readiness readiness();
  /// ", ..." for each thing that its operator should mend, though it serves.
  [[nodiscard]] std::string what_is_wrong() const;
  [[nodiscard]] awaitable<void> watch_service();
  /// True: each thread has, since this was last true.
  [[nodiscard]] bool have_all_gone_on();
  /// On the thread's own io_context, again and again: its store may be asked there only.
  void watch_store(Thread& thread);
  [[nodiscard]] std::vector<ops::ShadowedRule> shadowed_rules() const;
  [[nodiscard]] std::string open_admin();
  [[nodiscard]] std::vector<ops::AdminRoute> admin_routes();
  struct Reloaded {
    bool is_ok = false;
    std::vector<std::string> findings;  ///< as `larder check` prints them
  };
  /// Reads the rules again, once no other reload is under way. When they are well they are in force
  /// on every thread at its end, else the old ones stay. `why`: for the log.
  [[nodiscard]] awaitable<Reloaded> reload(std::string why);
  [[nodiscard]] awaitable<Reloaded> reload_alone(std::string why);
  [[nodiscard]] awaitable<void> put_in_force(std::shared_ptr<const session::RuleSet> rules);
  enum class Counted : bool { no, as_purge };
  /// What a worker's store is to do with some tags.
  using Evicting = std::function<awaitable<store::EvictOutcome>(store::Store&, policy::Tags)>;
  [[nodiscard]] awaitable<store::EvictOutcome> evict(policy::Tags tags, Counted counted,
                                                     Evicting evicting);
  [[nodiscard]] awaitable<store::EvictOutcome> evict_there(policy::Tags tags, Counted counted,
                                                           Evicting evicting);
  /// Of what rules that have changed or come concern.
  [[nodiscard]] awaitable<void> evict_changed(policy::Tags tags);
  [[nodiscard]] awaitable<ops::AdminAnswer> answer_reload();
  [[nodiscard]] awaitable<ops::AdminAnswer> answer_purge(std::string body);
  void add_page_routes(std::vector<ops::AdminRoute>& routes);
  [[nodiscard]] awaitable<void> watch_page();
  void watch_rules();
  /// Reads how full Redis is, unless that was done just now; for pages and /readyz.
  [[nodiscard]] awaitable<void> look_at_redis();
  [[nodiscard]] awaitable<void> watch_redis();
  void add_explain_routes(std::vector<ops::AdminRoute>& routes);
  [[nodiscard]] awaitable<ops::AdminAnswer> answer_suggest();
  void watch_signals();
  void watch_hangup();
  void watch_certificate();
  /// Reads the certificate's files again, when they have changed or `always`, and says so.
  void look_at_certificate(bool always);
  void drain();
  static awaitable<void> leave(Thread& thread);
  /// On the thread's own io_context: again and again until nothing is left or time is up.
  void finish_when_drained(Thread& thread, SteadyClock::time_point give_up);

  const config::Config config_;
  const RulesSource source_;
  const config::GivenSettings started_with_;
  /// Of the main thread: signals, files, whoever runs Larder. Clients are the others'.
  asio::io_context control_{1};
  asio::signal_set ending_{control_};
  asio::signal_set hangup_{control_};
  Timer certificate_timer_{control_};
  std::optional<ops::RulesWatch> rules_watch_;
  std::shared_ptr<const session::RuleSet> rules_;  ///< in force
  ops::RulesStatus rules_status_;
  bool is_reloading_ = false;
  Timer reload_ended_{control_, SteadyClock::time_point::max()};  ///< cancelled when one has
  std::optional<store::RedisFigures> redis_figures_;
  SteadyClock::time_point redis_looked_at_{};
  const ops::ServiceManager service_ = ops::ServiceManager::from_environment();
  std::size_t serving_ = 0;  ///< threads that have not ended
  session::Clock clock_;
  store::Shared stores_;
  std::string redis_failure_;  ///< of its TLS files; empty: none
  session::Collapse collapse_;
  policy::RecentKeys recent_keys_{store::make_stamp()};
  session::TrustedAddresses trusted_;
  session::AddressCounts addresses_;
  session::TlsFiles tls_;
  session::Listening listening_;
  session::Backends backends_;
  session::Admission admission_;
  ops::Counters counters_;
  ops::Metrics metrics_{[this] { return status(); }};
  ops::LineWriter& lines_;
  std::unique_ptr<ops::SpanExporter> spans_;  ///< null: no collector is configured
  ops::PageData page_;
  std::unique_ptr<session::Observing> observing_;  ///< null: nothing is observed
  bool is_suggesting_ = false;
  session::Shared shared_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::optional<ops::Admin> admin_;
  const SteadyClock::time_point started_ = SteadyClock::now();
  bool was_ready_ = false;  ///< as readiness() has said
  std::atomic<bool> draining_{false};
  std::atomic<bool> broke_off_{false};
};

}  // namespace larder
