// Worker: what one thread serves requests with. Shared parts are references, its own are members.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coding/gzip.hpp"
#include "config/config.hpp"
#include "http/accept.hpp"
#include "identity/identifier.hpp"
#include "policy/key_admission.hpp"
#include "policy/learned_vary.hpp"
#include "policy/route_index.hpp"
#include "session/clock.hpp"
#include "session/collapse.hpp"
#include "session/deadlines.hpp"
#include "session/limits.hpp"
#include "session/observing.hpp"
#include "session/origin_pool.hpp"
#include "session/purging.hpp"
#include "session/random.hpp"
#include "session/record.hpp"
#include "session/shadowing.hpp"
#include "session/tls_files.hpp"
#include "session/trusted.hpp"
#include "session/writes_in_flight.hpp"
#include "store/local_stamps.hpp"
#include "store/store.hpp"

namespace larder::session {

/// Rules in force, with what was learned under them. Kept by every exchange that began under it.
struct RuleSet {
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;
  /// `counted_as`: the slot of each rule, in their order. `before`: the rules that these replace,
  /// whose shadows go on; null: none.
  RuleSet(policy::Routes rules, std::vector<RuleSlot> counted_as, const RuleSet* before = nullptr)
      : routes(std::move(rules)),
        index(routes.rules),
        slots(std::move(counted_as)),
        learned(std::make_unique<policy::LearnedVary[]>(routes.rules.size())),
        variants(std::make_unique<policy::QueryVariants[]>(routes.rules.size())),
        shadows(make_rule_shadows(routes, before ? before->routes : policy::Routes(),
                                  before ? before->shadows : RuleShadows())) {}

  [[nodiscard]] policy::LearnedVary& learned_of(const policy::RouteRule& rule) const {
    return learned[static_cast<std::size_t>(&rule - routes.rules.data())];
  }
  [[nodiscard]] bool has_shadows() const {
    return std::any_of(shadows.begin(), shadows.end(),
                       [](const std::shared_ptr<RuleShadow>& shadow) { return shadow != nullptr; });
  }
  /// Null: the rule is neither in shadow nor verified.
  [[nodiscard]] RuleShadow* shadow_of(const policy::RouteRule& rule) const {
    return shadows[static_cast<std::size_t>(&rule - routes.rules.data())].get();
  }
  [[nodiscard]] RuleSlot slot_of(const policy::RouteRule& rule) const {
    return slots[static_cast<std::size_t>(&rule - routes.rules.data())];
  }
  [[nodiscard]] policy::QueryVariants& variants_of(const policy::RouteRule& rule) const {
    return variants[static_cast<std::size_t>(&rule - routes.rules.data())];
  }

  const policy::Routes routes;
  const policy::RouteIndex index;
  const std::vector<RuleSlot> slots;
  std::unique_ptr<policy::LearnedVary[]> learned;
  std::unique_ptr<policy::QueryVariants[]> variants;
  const RuleShadows shadows;
};

/// Keys whose answers turned out not to be storable, for a while: their requests are passed on at
/// once rather than filled for. Bounded; forgetting one costs a fill.
class UnstoredKeys {
 public:
  [[nodiscard]] bool remembers(const std::string& key, SteadyClock::time_point now);
  void remember(const std::string& key, SteadyClock::time_point until);
  static constexpr std::size_t maximum = 4096;

 private:
  std::unordered_map<std::string, SteadyClock::time_point> until_;
};

/// What all threads share.
struct Shared {
  const config::Settings& settings;
  const Clock& clock;
  store::LocalStamps& local_stamps;
  Collapse& collapse;
  policy::RecentKeys& recent_keys;
  const TrustedAddresses& trusted;
  AddressCounts& addresses;
  TlsFiles& tls;
  Backends& backends;
  Admission& admission;
  Observing* observing = nullptr;  ///< null: nothing is observed
  PurgeLimit purge_limit{};
  WritesInFlight writes{};  ///< those that matter to a rule that is verified, at least
  /// When the origin was last given up with a write that it may carry out yet, whether or not a
  /// rule was concerned; min(): never.
  std::atomic<SteadyClock::time_point> write_given_up{SteadyClock::time_point::min()};
  std::atomic<unsigned> connections{0};  ///< of clients, open now
  std::atomic<unsigned> requests{0};     ///< in flight now
};

class Worker {
 public:
  /// On the worker's own thread. What has begun under other rules ends under them.
  void take_rules(std::shared_ptr<const RuleSet> rules) {
    rule_set = std::move(rules);
    unstored = {};
  }

  Worker(Shared& shared_parts, RecordSink& sink, std::shared_ptr<const RuleSet> rules)
      : shared(shared_parts),
        records(sink),
        deadlines(io),
        origin(io, deadlines, shared.settings, shared.backends, shared.admission),
        identifier(shared.settings.tokens, shared.settings.session_cookies,
                   shared.settings.per_user.by_session),
        rule_set(std::move(rules)) {}

  Shared& shared;
  RecordSink& records;  ///< this thread's
  /// Its sockets are used on this thread alone, so that Asio need not lock them.
  asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  Deadlines deadlines;
  OriginPool origin;
  identity::Identifier identifier;
  http::AcceptMemory accepts;
  std::unique_ptr<store::Store> store;
  std::shared_ptr<const RuleSet> rule_set;
  UnstoredKeys unstored;
  Random random;
  coding::GzipCompressor gzip;  ///< for content that is compressed without waiting
  unsigned fills = 0;           ///< running on this thread, with what starts them
  unsigned refreshes = 0;       ///< being started on this thread
  unsigned verifications = 0;   ///< running on this thread
  bool draining = false;
};

}  // namespace larder::session
