#include "ops/stats.hpp"

#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace larder::ops {

std::string_view format_backend_state(policy::BackendState state) {
  switch (state) {
    case policy::BackendState::in:
      return "in";
    case policy::BackendState::starting:
      return "starting";
    case policy::BackendState::ejected:
      return "ejected";
    case policy::BackendState::unhealthy:
      return "unhealthy";
  }
  return {};
}

std::string_view format_fill_end(session::FillEnd end) {
  switch (end) {
    case session::FillEnd::stored:
      return "stored";
    case session::FillEnd::freshened:
      return "freshened";
    case session::FillEnd::found:
      return "found";
    case session::FillEnd::not_stored:
      return "not-stored";
    case session::FillEnd::failed:
      return "failed";
  }
  return {};
}

std::string_view format_outcome(policy::CacheResult result) {
  switch (result) {
    case policy::CacheResult::hit:
      return "hit";
    case policy::CacheResult::miss:
      return "miss";
    case policy::CacheResult::bypass:
      return "bypass";
    case policy::CacheResult::stale:
      return "stale";
    case policy::CacheResult::expired:
      return "expired";
  }
  return {};
}

std::string_view format_finding(policy::VerifiedHit::Finding finding) {
  switch (finding) {
    case policy::VerifiedHit::Finding::same:
      return "same";
    case policy::VerifiedHit::Finding::changed:
      return "changed";
    case policy::VerifiedHit::Finding::users_differ:
      return "users-differ";
    case policy::VerifiedHit::Finding::not_judged:
      return "not-judged";
  }
  return {};
}

namespace {

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

boost::json::object describe(const RuleTotals& rule) {
  boost::json::object json;
  json["rule"] = rule.name;
  json["requests"] = rule.requests();
  for (std::size_t i = 0; i < cache_results; ++i)
    json[format_outcome(static_cast<policy::CacheResult>(i))] = rule.outcomes[i].requests;
  json["collapsed"] = rule.collapsed;
  boost::json::object fills;
  for (std::size_t i = 0; i < fill_ends; ++i)
    fills[format_fill_end(static_cast<session::FillEnd>(i))] = rule.fills[i];
  json["fills"] = std::move(fills);
  boost::json::object verified;
  for (std::size_t i = 0; i < findings; ++i)
    verified[format_finding(static_cast<policy::VerifiedHit::Finding>(i))] = rule.verified[i];
  json["verified"] = std::move(verified);
  json["set_cookies"] = rule.set_cookies;
  json["content_bytes_saved"] = rule.content_bytes_saved();
  json["origin_seconds_saved"] = in_seconds(rule.origin_time_saved());
  json["in_force"] = rule.in_force;
  return json;
}

boost::json::object describe(const RedisStatus& redis) {
  boost::json::object json{{"state", redis.is_usable ? "in use" : "not usable"},
                           {"pending_evictions", redis.pending_evictions},
                           {"failures", redis.failures}};
  if (!redis.figures) return json;
  const store::RedisFigures& figures = *redis.figures;
  json["used_memory"] = figures.used;
  json["used_memory_human"] = figures.used_text;
  json["maxmemory"] = figures.most;
  json["maxmemory_human"] = figures.most_text;
  json["maxmemory_policy"] = figures.policy;
  json["evicted_keys"] = figures.evicted;
  json["keys"] = figures.keys;
  json["keys_of_ours"] = figures.ours;
  json["keys_of_ours_estimated"] = figures.is_estimate;
  json["warning"] = store::warn_of(figures);
  return json;
}

}  // namespace

std::string format_json(const Status& status) {
  const Totals& totals = status.totals;
  std::array<std::uint64_t, cache_results> results{};
  std::array<std::uint64_t, fill_ends> fills{};
  std::uint64_t collapsed = 0;
  std::uint64_t content = 0;
  std::uint64_t content_saved = 0;
  double seconds_saved = 0;
  boost::json::array rules;
  for (const RuleTotals& rule : totals.rules) {
    for (std::size_t i = 0; i < cache_results; ++i) {
      results[i] += rule.outcomes[i].requests;
      content += rule.outcomes[i].content_bytes;
    }
    for (std::size_t i = 0; i < fill_ends; ++i) fills[i] += rule.fills[i];
    collapsed += rule.collapsed;
    content_saved += rule.content_bytes_saved();
    seconds_saved += in_seconds(rule.origin_time_saved());
    if (rule.requests() > 0 || rule.in_force) rules.push_back(describe(rule));
  }
  std::uint64_t failures = 0;
  for (const std::uint64_t failed : totals.failures) failures += failed;

  boost::json::object json;
  json["uptime"] = status.uptime.count();
  json["requests"] = totals.requests();
  for (std::size_t i = 0; i < cache_results; ++i)
    json[format_outcome(static_cast<policy::CacheResult>(i))] = results[i];
  json["memory_hits"] = totals.tiers[static_cast<std::size_t>(store::Tier::memory)];
  json["redis_hits"] = totals.tiers[static_cast<std::size_t>(store::Tier::redis)];
  json["collapsed"] = collapsed;
  json["stored"] = fills[static_cast<std::size_t>(session::FillEnd::stored)] +
                   fills[static_cast<std::size_t>(session::FillEnd::freshened)];
  std::uint64_t evictions = 0;
  for (const std::uint64_t caused : totals.evictions) evictions += caused;
  json["evictions"] = evictions;
  json["purges"] = totals.evictions[static_cast<std::size_t>(EvictionCause::purge)];
  json["found_old"] = totals.evictions[static_cast<std::size_t>(EvictionCause::verification)];
  json["evicted_tags"] = totals.evicted_tags;
  json["deferred_evictions"] = totals.deferred_evictions;
  json["origin_failures"] = failures;
  json["cut_off"] = totals.cut_off;
  json["content_bytes"] = content;
  json["content_bytes_saved"] = content_saved;
  json["origin_seconds_saved"] = seconds_saved;
  json["connections"] = status.connections;
  json["requests_in_flight"] = status.requests;
  json["fills_in_flight"] = status.fills;
  json["log_lines_dropped"] = status.lines_dropped;
  json["rules"] = std::move(rules);
  boost::json::array needs_restart;
  for (const std::string& name : status.rules.needs_restart) needs_restart.emplace_back(name);
  json["reload"] = {{"rules", status.rules.rules},
                    {"generation", status.rules.generation},
                    {"reloads", status.rules.reloads},
                    {"failed_reloads", status.rules.failed_reloads},
                    {"last_failed", status.rules.last_reload_failed},
                    {"last_failure", status.rules.last_failure},
                    {"needs_restart", std::move(needs_restart)}};
  json["memory"] = {{"capacity", status.memory.capacity},
                    {"bytes", status.memory.bytes},
                    {"responses", status.memory.responses},
                    {"given_up", status.memory.given_up}};
  json["origin"] = {{"limit", status.origin.limit},
                    {"in_flight", status.origin.in_flight},
                    {"waiting", status.origin.waiting},
                    {"queue_full", status.origin.refused},
                    {"queue_timed_out", status.origin.timed_out}};
  if (status.redis) json["redis"] = describe(*status.redis);
  boost::json::array backends;
  for (const session::Backends::Status& backend : status.backends)
    backends.push_back({{"upstream", backend.upstream},
                        {"state", format_backend_state(backend.state)},
                        {"in_flight", backend.in_flight},
                        {"ejected", backend.ejected}});
  json["backends"] = std::move(backends);
  return boost::json::serialize(json) + "\n";
}

}  // namespace larder::ops
