#include "ops/counters.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace larder::ops {

void Counters::add(const session::ExchangeRecord& record) {
  requests_.add(1);
  by_result_[static_cast<std::size_t>(record.cache.result)].add(1);
  if (record.tier == store::Tier::memory) memory_hits_.add(1);
  if (record.tier == store::Tier::redis) redis_hits_.add(1);
  if (record.cache.collapsed) collapsed_.add(1);
  if (record.cache.stored && !record.cache.collapsed) stored_.add(1);
  if (record.evicted_tags > 0) evictions_.add(1);
  if (record.eviction_deferred) deferred_evictions_.add(1);
  if (record.failure != session::FetchFailure::none) origin_failures_.add(1);
  if (record.cut_off) cut_off_.add(1);
  content_bytes_.add(record.content_sent);
}

namespace {

std::string_view format_state(policy::BackendState state) {
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

}  // namespace

std::string Counters::format_json(const std::vector<session::Backends::Status>& backends,
                                  const session::Admission::Status& origin,
                                  const std::optional<RedisStatus>& redis) const {
  boost::json::object json;
  json["requests"] = requests_.get();
  for (std::size_t i = 0; i < by_result_.size(); ++i) {
    std::string name(policy::format_cache_result(static_cast<policy::CacheResult>(i)));
    for (char& c : name) c = static_cast<char>(c + 32);
    json[name] = by_result_[i].get();
  }
  json["memory_hits"] = memory_hits_.get();
  json["redis_hits"] = redis_hits_.get();
  json["collapsed"] = collapsed_.get();
  json["stored"] = stored_.get();
  json["evictions"] = evictions_.get();
  json["deferred_evictions"] = deferred_evictions_.get();
  json["origin_failures"] = origin_failures_.get();
  json["cut_off"] = cut_off_.get();
  json["content_bytes"] = content_bytes_.get();
  json["origin"] = {{"limit", origin.limit},
                    {"in_flight", origin.in_flight},
                    {"waiting", origin.waiting},
                    {"queue_full", origin.refused},
                    {"queue_timed_out", origin.timed_out}};
  if (redis)
    json["redis"] = {{"state", redis->is_usable ? "in use" : "not usable"},
                     {"pending_evictions", redis->pending_evictions},
                     {"failures", redis->failures}};
  boost::json::array list;
  for (const session::Backends::Status& backend : backends)
    list.push_back({{"upstream", backend.upstream},
                    {"state", format_state(backend.state)},
                    {"in_flight", backend.in_flight},
                    {"ejected", backend.ejected}});
  json["backends"] = std::move(list);
  return boost::json::serialize(json) + "\n";
}

}  // namespace larder::ops
