#include "ops/counters.hpp"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "ops/stats.hpp"

namespace larder::ops {
namespace {

using namespace std::chrono_literals;
using policy::CacheResult;
using session::FillEnd;

policy::Routes make_routes(const std::vector<std::string>& names) {
  policy::Routes routes;
  for (const std::string& name : names) {
    routes.rules.emplace_back();
    routes.rules.back().name = name;
  }
  return routes;
}

session::ExchangeRecord make_record(session::RuleSlot slot, CacheResult result,
                                    std::chrono::nanoseconds took = 1ms) {
  session::ExchangeRecord record;
  record.rule_slot = slot;
  record.cache.result = result;
  record.took = took;
  record.status = 200;
  record.content_sent = 10;
  return record;
}

session::FillRecord stored(session::RuleSlot slot, std::chrono::nanoseconds origin_time) {
  return {.rule_slot = slot, .end = FillEnd::stored, .origin_time = origin_time};
}

const RuleTotals& find(const Totals& totals, const std::string& name) {
  for (const RuleTotals& rule : totals.rules) {
    if (rule.name == name) return rule;
  }
  FAIL("no rule is counted as " << name);
  return totals.rules.front();
}

TEST_CASE("LatencyBuckets::index: a bucket reaches up to its bound, itself included") {
  CHECK(LatencyBuckets::index(-1s) == 0);
  CHECK(LatencyBuckets::index(0ns) == 0);
  CHECK(LatencyBuckets::index(25us) == 0);
  CHECK(LatencyBuckets::index(25us + 1ns) == 1);
  for (std::size_t bucket = 0; bucket + 1 < LatencyBuckets::count; ++bucket) {
    CAPTURE(bucket);
    CHECK(LatencyBuckets::index(LatencyBuckets::bound(bucket)) == bucket);
    CHECK(LatencyBuckets::index(LatencyBuckets::bound(bucket) + 1ns) == bucket + 1);
  }
  CHECK(LatencyBuckets::index(24h) == LatencyBuckets::count - 1);
}

TEST_CASE("Counters: each rule and result has its own") {
  Counters counters(1);
  const std::vector<session::RuleSlot> slots = counters.slots_of(make_routes({"a", "b"}));
  REQUIRE(slots.size() == 2);
  Counters::Block& block = counters.block(0);
  block.add(make_record(slots[0], CacheResult::hit, 20us));
  block.add(make_record(slots[0], CacheResult::hit, 30us));
  block.add(make_record(slots[0], CacheResult::miss, 2s));
  block.add(make_record(slots[1], CacheResult::bypass));
  block.add(make_record(session::no_rule_slot, CacheResult::bypass));

  const Totals totals = counters.read();
  CHECK(totals.requests() == 5);
  CHECK(totals.statuses[2] == 5);
  const OutcomeTotals& hits =
      find(totals, "a").outcomes[static_cast<std::size_t>(CacheResult::hit)];
  CHECK(hits.requests == 2);
  CHECK(hits.took[0] == 1);
  CHECK(hits.took[1] == 1);
  CHECK(hits.took_together == 50us);
  CHECK(hits.content_bytes == 20);
  CHECK(find(totals, "a").requests() == 3);
  CHECK(find(totals, "b").requests() == 1);
  CHECK(find(totals, "(none)").requests() == 1);
}

TEST_CASE("Counters: a hit saves what a stored fill of its rule took on average") {
  Counters counters(1);
  const session::RuleSlot slot = counters.slots_of(make_routes({"a"})).front();
  Counters::Block& block = counters.block(0);
  block.add(make_record(slot, CacheResult::hit));
  CHECK(find(counters.read(), "a").origin_time_saved() == 0ns);
  block.add(stored(slot, 100ms));
  block.add(stored(slot, 300ms));
  block.add({.rule_slot = slot, .end = FillEnd::found});
  block.add(make_record(slot, CacheResult::stale));
  block.add(make_record(slot, CacheResult::miss));
  const Totals totals = counters.read();
  CHECK(find(totals, "a").hits() == 2);
  CHECK(find(totals, "a").origin_time_saved() == 400ms);
  CHECK(find(totals, "a").content_bytes_saved() == 20);
  CHECK(find(totals, "a").fills[static_cast<std::size_t>(FillEnd::stored)] == 2);
  CHECK(find(totals, "a").fills[static_cast<std::size_t>(FillEnd::found)] == 1);
}

TEST_CASE("Counters: totals of a rule outlast a reload, whatever its place") {
  Counters counters(1);
  const std::vector<session::RuleSlot> before = counters.slots_of(make_routes({"a", "b"}));
  counters.block(0).add(make_record(before[1], CacheResult::hit));
  const std::vector<session::RuleSlot> after = counters.slots_of(make_routes({"b", "c"}));
  CHECK(after[0] == before[1]);
  counters.block(0).add(make_record(after[0], CacheResult::hit));
  // An exchange that began under the rules from before.
  counters.block(0).add(make_record(before[0], CacheResult::hit));
  const Totals totals = counters.read();
  CHECK(find(totals, "b").requests() == 2);
  CHECK(find(totals, "a").requests() == 1);
  CHECK_FALSE(find(totals, "a").in_force);
  CHECK(find(totals, "b").in_force);
  CHECK(find(totals, "c").in_force);
}

TEST_CASE("Counters: rules beyond the most are summed under other") {
  Counters counters(1);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < Counters::most_rules + 2; ++i) names.push_back(std::to_string(i));
  const std::vector<session::RuleSlot> slots = counters.slots_of(make_routes(names));
  CHECK(slots[Counters::most_rules] == session::other_rules_slot);
  CHECK(slots[Counters::most_rules + 1] == session::other_rules_slot);
  for (const session::RuleSlot slot : slots)
    counters.block(0).add(make_record(slot, CacheResult::hit));
  const Totals totals = counters.read();
  CHECK(totals.rules.size() == Counters::most_rules + 2);
  CHECK(totals.rules.back().name == "(other)");
  CHECK(totals.rules.back().requests() == 2);
  CHECK(find(totals, std::to_string(Counters::most_rules - 1)).requests() == 1);
}

TEST_CASE("Counters: evictions by what asked for them") {
  Counters counters(1);
  session::ExchangeRecord write = make_record(session::no_rule_slot, CacheResult::bypass);
  write.evicted_tags = 3;
  write.eviction_deferred = true;
  counters.block(0).add(write);
  counters.block(0).add_eviction(EvictionCause::purge, 2, false);
  const std::vector<session::RuleSlot> slots = counters.slots_of(make_routes({"a"}));
  using Finding = policy::VerifiedHit::Finding;
  counters.block(0).add(
      session::VerificationRecord{.rule_slot = slots[0], .finding = Finding::same});
  counters.block(0).add(session::VerificationRecord{
      .rule_slot = slots[0], .finding = Finding::changed, .evicted_tags = 1});
  const Totals totals = counters.read();
  CHECK(totals.evictions[static_cast<std::size_t>(EvictionCause::write)] == 1);
  CHECK(totals.evictions[static_cast<std::size_t>(EvictionCause::purge)] == 1);
  CHECK(totals.evictions[static_cast<std::size_t>(EvictionCause::verification)] == 1);
  CHECK(find(totals, "a").verified == std::array<std::uint64_t, findings>{1, 1, 0, 0});
  CHECK(totals.evicted_tags == 6);
  CHECK(totals.deferred_evictions == 1);
}

TEST_SUITE("concurrent") {
  TEST_CASE("Counters: threads count, one reads, one reloads; nothing is lost") {
    constexpr std::size_t threads = 3;
    constexpr std::uint64_t each = 5000;
    Counters counters(threads);
    const std::vector<session::RuleSlot> slots = counters.slots_of(make_routes({"a", "b"}));
    std::vector<std::thread> counting;
    counting.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
      counting.emplace_back([&counters, &slots, i] {
        for (std::uint64_t n = 0; n < each; ++n)
          counters.block(i).add(make_record(slots[n % 2], CacheResult::hit));
      });
    }
    std::thread reloading([&counters] {
      for (int n = 0; n < 20; ++n)
        (void)counters.slots_of(make_routes({"a", "b", std::to_string(n)}));
    });
    std::uint64_t last = 0;
    for (int n = 0; n < 20; ++n) {
      const std::uint64_t requests = counters.read().requests();
      CHECK(requests >= last);
      last = requests;
    }
    for (std::thread& thread : counting) thread.join();
    reloading.join();
    const Totals totals = counters.read();
    CHECK(totals.requests() == threads * each);
    CHECK(find(totals, "a").requests() == threads * each / 2);
    CHECK(totals.rules.size() == 24);
  }
}

}  // namespace
}  // namespace larder::ops
