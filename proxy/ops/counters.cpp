#include "ops/counters.hpp"

#include <algorithm>
#include <utility>

namespace larder::ops {

namespace {

using policy::CacheResult;
using session::FillEnd;

template <class Enum>
constexpr std::size_t index_of(Enum value) {
  return static_cast<std::size_t>(value);
}

static_assert(index_of(CacheResult::expired) + 1 == cache_results);
static_assert(index_of(FillEnd::failed) + 1 == fill_ends);
static_assert(index_of(policy::VerifiedHit::Finding::not_judged) + 1 == findings);
static_assert(index_of(session::FetchFailure::client_too_large) + 1 == fetch_failures);
static_assert(index_of(policy::Detail::too_long_tag) < details);
static_assert(index_of(store::Tier::redis) + 1 == store_tiers);
static_assert(session::first_rule_slot == 2);

std::uint64_t at_least_nothing(std::chrono::nanoseconds took) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
}

const OutcomeTotals& of(const RuleTotals& rule, CacheResult result) {
  return rule.outcomes[index_of(result)];
}

}  // namespace

// --- One thread's side ---------------------------------------------------------------------------

void Counters::Block::add(const session::ExchangeRecord& record) {
  counting::OfRule& rule = *rules_[record.rule_slot].load(std::memory_order_acquire);
  counting::OfOutcome& outcome = rule.outcomes[index_of(record.cache.result)];
  outcome.took[LatencyBuckets::index(record.took)].add(1);
  outcome.took_together.add(at_least_nothing(record.took));
  outcome.content_bytes.add(record.content_sent);
  statuses_[std::min<std::size_t>(record.status / 100, status_classes - 1)].add(1);
  tiers_[index_of(record.tier)].add(1);
  if (record.cache.collapsed) rule.collapsed.add(1);
  if (record.failure != session::FetchFailure::none) failures_[index_of(record.failure)].add(1);
  if (record.evicted_tags > 0)
    add_eviction(record.purged ? EvictionCause::purge : EvictionCause::write, record.evicted_tags,
                 record.eviction_deferred);
  if (record.cut_off) cut_off_.add(1);
}

void Counters::Block::add(const session::FillRecord& record) {
  counting::OfRule& rule = *rules_[record.rule_slot].load(std::memory_order_acquire);
  rule.fills[index_of(record.end)].add(1);
  if (record.end == FillEnd::stored) rule.origin_time.add(at_least_nothing(record.origin_time));
  if (record.end == FillEnd::not_stored) not_stored_[index_of(record.detail)].add(1);
  if (record.detail == policy::Detail::set_cookie) rule.set_cookies.add(1);
}

void Counters::Block::add(const session::VerificationRecord& record) {
  counting::OfRule& rule = *rules_[record.rule_slot].load(std::memory_order_acquire);
  rule.verified[index_of(record.finding)].add(1);
  if (record.evicted_tags > 0)
    add_eviction(EvictionCause::verification, record.evicted_tags, record.eviction_deferred);
}

void Counters::Block::add_eviction(EvictionCause cause, std::size_t tags, bool deferred) {
  evictions_[index_of(cause)].add(1);
  evicted_tags_.add(tags);
  if (deferred) deferred_evictions_.add(1);
}

// --- All threads' --------------------------------------------------------------------------------

Counters::Counters(std::size_t threads) {
  blocks_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) blocks_.push_back(std::make_unique<Block>());
  make_room(session::no_rule_slot);
  make_room(session::other_rules_slot);
}

void Counters::make_room(session::RuleSlot slot) {
  for (const std::unique_ptr<Block>& block : blocks_) {
    block->owned_.push_back(std::make_unique<counting::OfRule>());
    block->rules_[slot].store(block->owned_.back().get(), std::memory_order_release);
  }
}

std::vector<session::RuleSlot> Counters::slots_of(const policy::Routes& routes) {
  const std::scoped_lock lock(mutex_);
  std::fill(in_force_.begin(), in_force_.end(), false);
  std::vector<session::RuleSlot> slots;
  slots.reserve(routes.rules.size());
  for (const policy::RouteRule& rule : routes.rules) {
    const auto known = std::find(names_.begin(), names_.end(), rule.name);
    const auto index = static_cast<std::size_t>(known - names_.begin());
    if (index == most_rules) {
      slots.push_back(session::other_rules_slot);
      continue;
    }
    const auto slot = static_cast<session::RuleSlot>(session::first_rule_slot + index);
    if (known == names_.end()) {
      make_room(slot);
      names_.push_back(rule.name);
      in_force_.push_back(false);
    }
    in_force_[index] = true;
    slots.push_back(slot);
  }
  return slots;
}

namespace {

void add(const counting::OfOutcome& counted, OutcomeTotals& sum) {
  for (std::size_t i = 0; i < sum.took.size(); ++i) {
    const std::uint64_t requests = counted.took[i].get();
    sum.took[i] += requests;
    sum.requests += requests;
  }
  sum.took_together += std::chrono::nanoseconds(counted.took_together.get());
  sum.content_bytes += counted.content_bytes.get();
}

void add(const counting::OfRule& counted, RuleTotals& sum) {
  for (std::size_t i = 0; i < cache_results; ++i) add(counted.outcomes[i], sum.outcomes[i]);
  sum.collapsed += counted.collapsed.get();
  for (std::size_t i = 0; i < fill_ends; ++i) sum.fills[i] += counted.fills[i].get();
  for (std::size_t i = 0; i < findings; ++i) sum.verified[i] += counted.verified[i].get();
  sum.set_cookies += counted.set_cookies.get();
  sum.origin_time += std::chrono::nanoseconds(counted.origin_time.get());
}

template <std::size_t count>
void add(const std::array<counting::Cell, count>& counted, std::array<std::uint64_t, count>& sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += counted[i].get();
}

}  // namespace

Totals Counters::read() const {
  const std::scoped_lock lock(mutex_);
  Totals totals;
  const auto add_rule = [&](session::RuleSlot slot, RuleTotals rule) {
    for (const std::unique_ptr<Block>& block : blocks_)
      add(*block->rules_[slot].load(std::memory_order_acquire), rule);
    totals.rules.push_back(std::move(rule));
  };
  totals.rules.reserve(names_.size() + session::first_rule_slot);
  add_rule(session::no_rule_slot, {.name = "(none)", .in_force = true});
  for (std::size_t i = 0; i < names_.size(); ++i)
    add_rule(static_cast<session::RuleSlot>(session::first_rule_slot + i),
             {.name = names_[i], .is_rule = true, .in_force = in_force_[i]});
  add_rule(session::other_rules_slot, {.name = "(other)"});
  for (const std::unique_ptr<Block>& block : blocks_) {
    add(block->statuses_, totals.statuses);
    add(block->tiers_, totals.tiers);
    add(block->failures_, totals.failures);
    add(block->not_stored_, totals.not_stored);
    add(block->evictions_, totals.evictions);
    totals.evicted_tags += block->evicted_tags_.get();
    totals.deferred_evictions += block->deferred_evictions_.get();
    totals.cut_off += block->cut_off_.get();
  }
  return totals;
}

// --- What follows from them ----------------------------------------------------------------------

std::uint64_t RuleTotals::requests() const {
  std::uint64_t sum = 0;
  for (const OutcomeTotals& outcome : outcomes) sum += outcome.requests;
  return sum;
}

std::uint64_t RuleTotals::hits() const {
  return of(*this, CacheResult::hit).requests + of(*this, CacheResult::stale).requests;
}

std::uint64_t RuleTotals::content_bytes_saved() const {
  return of(*this, CacheResult::hit).content_bytes + of(*this, CacheResult::stale).content_bytes;
}

std::chrono::nanoseconds RuleTotals::origin_time_saved() const {
  const std::uint64_t stored = fills[index_of(FillEnd::stored)];
  if (stored == 0) return {};
  // As a fraction first: the product of the two may be more than 64 bits hold.
  const double mean = static_cast<double>(origin_time.count()) / static_cast<double>(stored);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(mean * static_cast<double>(hits())));
}

std::uint64_t Totals::requests() const {
  std::uint64_t sum = 0;
  for (const RuleTotals& rule : rules) sum += rule.requests();
  return sum;
}

}  // namespace larder::ops
