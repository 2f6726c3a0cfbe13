#include "session/purging.hpp"

#include <utility>
#include <variant>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "identity/access_token.hpp"
#include "session/worker.hpp"

namespace larder::session {

std::string format_purged(const Purged& purged, bool has_redis) {
  boost::json::object json;
  json["evicted"] = purged.outcome.has_value();
  json["soft"] = purged.strength == policy::PurgeStrength::soft;
  boost::json::array tags;
  for (const std::string& tag : purged.tags) tags.emplace_back(tag);
  json["tags"] = std::move(tags);
  if (purged.in_memory) json["in_memory"] = *purged.in_memory;
  if (purged.outcome) {
    const bool is_done = *purged.outcome == store::EvictOutcome::done;
    json["redis"] = !has_redis ? "none" : is_done ? "done" : "deferred";
  }
  return boost::json::serialize(json) + "\n";
}

awaitable<store::EvictOutcome> purge(store::Store& store, policy::Tags tags,
                                     policy::PurgeStrength strength) {
  return strength == policy::PurgeStrength::soft ? store.soften(std::move(tags))
                                                 : store.evict(std::move(tags));
}

awaitable<After> answer_purge(Worker& worker, const http::RequestHead& head, Answer& answer,
                              ExchangeRecord& record) {
  const config::Settings& settings = worker.shared.settings;
  const std::string shown =
      head.fields.combined(http::FieldName::authorization).value_or(std::string());
  After after = After::broken;
  if (!identity::shows_token(shown, settings.admin_token)) {
    after = co_await answer.send_problem(403, "PURGE needs the admin token");
    co_return after;
  }
  if (!worker.shared.purge_limit.take(SteadyClock::now())) {
    after = co_await answer.send_problem(429, "too many purges at once");
    co_return after;
  }
  const policy::PurgeStrength strength = head.fields.first("larder-soft-purge") == "1"
                                             ? policy::PurgeStrength::soft
                                             : policy::PurgeStrength::hard;
  const policy::Routes& routes = worker.rule_set->routes;
  std::variant<policy::Tags, policy::PurgeRefused> decided =
      policy::tags_of_purge({policy::PurgeKind::url, std::string(head.path)}, strength, routes);
  if (const auto* refused = std::get_if<policy::PurgeRefused>(&decided)) {
    after = co_await answer.send_problem(400, refused->why);
    co_return after;
  }
  Purged purged{.tags = std::get<policy::Tags>(std::move(decided)), .strength = strength};
  const store::EvictOutcome outcome = co_await purge(*worker.store, purged.tags, strength);
  purged.outcome = outcome;
  record.evicted_tags = purged.tags.size();
  record.eviction_deferred = outcome == store::EvictOutcome::deferred;
  record.purged = true;
  const std::string content = format_purged(purged, settings.redis.has_value());
  answer.begin(200, "OK");
  answer.head() += "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  answer.append_length(content.size());
  answer.end_head();
  answer.add(content, false);
  after = co_await answer.finish();
  co_return after;
}

}  // namespace larder::session
