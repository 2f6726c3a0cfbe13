#include "session/filling.hpp"

#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "store/tiered_store.hpp"
#include "support/scripted_origin.hpp"

namespace larder::session {
namespace {

using namespace std::chrono_literals;
using namespace session::test;

class NoRecords : public RecordSink {
 public:
  void note(const ExchangeRecord&) override {}
  void note(const FillRecord&) override {}
  void note(const VerificationRecord&) override {}
};

policy::Routes one_rule() {
  policy::RouteRule rule;
  rule.name = "lists";
  rule.ttl = 60s;
  policy::Routes routes;
  routes.rules.push_back(std::move(rule));
  return routes;
}

/// One thread's, over memory alone.
struct FillRig {
  explicit FillRig(std::uint16_t port) : settings(settings_for({port})) {
    worker.store = store::make_memory_store(stores);
  }

  config::Settings settings;
  Clock clock;
  store::Shared stores{std::uint64_t{1} << 20};
  Collapse collapse;
  policy::RecentKeys recent_keys{1};
  TrustedAddresses trusted{{}};
  AddressCounts addresses{0};
  TlsFiles tls{{}};
  Backends backends{settings};
  Admission admission{settings.origin_limit, settings.origin_queue, settings.origin_queue_timeout};
  Shared shared{.settings = settings,
                .clock = clock,
                .local_stamps = stores.stamps,
                .collapse = collapse,
                .recent_keys = recent_keys,
                .trusted = trusted,
                .addresses = addresses,
                .tls = tls,
                .backends = backends,
                .admission = admission};
  NoRecords records;
  std::shared_ptr<const RuleSet> rules =
      std::make_shared<RuleSet>(one_rule(), std::vector<RuleSlot>{0});
  Worker worker{shared, records, rules};

  FillJob job(std::string key) {
    FillJob made;
    made.key = std::move(key);
    made.path = "/lists/";
    made.rules = rules;
    made.rule = &rules->routes.rules.front();
    made.head = "GET /lists/ HTTP/1.1\r\nHost: a\r\n\r\n";
    made.first_byte_timeout = 2s;
    made.start.stamps = look(made).stamps;
    return made;
  }
  store::Lookup look(const FillJob& of) { return *worker.store->lookup_now(of.key, of.resource()); }
};

/// Until all of it can be read.
awaitable<bool> read(asio::io_context& io, std::shared_ptr<Fill> fill) {
  const auto timer = std::make_shared<Timer>(io);
  Fill::Snapshot seen = fill->snapshot();
  bool changed = true;
  while (changed && !(seen.length && seen.available == *seen.length)) {
    const bool later = co_await fill->changed(seen.version, timer, 5s);
    changed = later;
    seen = fill->snapshot();
  }
  co_return changed;
}

TEST_CASE("start_fill: a reader has had all of an answer before that is compressed and stored") {
  const std::string content(4000, '7');
  ScriptedOrigin origin({ScriptedOrigin::answer(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n" +
      content)});
  FillRig rig(origin.port());
  FillJob job = rig.job("a key");
  REQUIRE(job.start.stamps);
  const FillJob asked = rig.job("a key");
  const auto fill = std::make_shared<Fill>(*job.start.stamps, store::Stamps{}, SteadyClock::now());
  start_fill(rig.worker, fill, std::move(job));

  CHECK(larder::test::run(rig.worker.io, read(rig.worker.io, fill)));
  CHECK(fill->piece(0) == content);
  CHECK_FALSE(rig.look(asked).response);

  rig.worker.io.restart();
  for (int turns = 0; rig.worker.fills > 0 && turns < 1000; ++turns)
    rig.worker.io.run_one_for(10ms);
  const store::Lookup stored = rig.look(asked);
  REQUIRE(stored.response);
  CHECK(stored.response->is_compressed());
}

}  // namespace
}  // namespace larder::session
