#include "ops/live_explanation.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "ops/asked_request.hpp"
#include "ops/explanation_text.hpp"
#include "ops/redaction.hpp"
#include "policy/freshness.hpp"
#include "policy/reuse.hpp"

namespace larder::ops {
namespace {

struct AskedLive {
  Asked asked;
  bool as_json = false;
  std::string wrong;  ///< what is; empty: nothing
};

void take(AskedLive& live, std::string_view name, std::string value) {
  if (name == "method") {
    live.asked.method = std::move(value);
  } else if (name == "url") {
    live.asked.url = std::move(value);
  } else if (name == "field") {
    live.asked.fields.push_back(std::move(value));
  } else if (name == "peer") {
    live.asked.peer = std::move(value);
  } else if (name == "format" && (value == "json" || value == "text")) {
    live.as_json = value == "json";
  } else {
    live.wrong = "known: method, url, field, peer, format (text or json)";
  }
}

AskedLive read_asked(const AdminRequest& request) {
  AskedLive live;
  for (const auto& [name, value] : request.parameters) take(live, name, value);
  if (request.body.empty()) return live;
  boost::system::error_code error;
  const boost::json::value body = boost::json::parse(request.body, error);
  const boost::json::object* members = error ? nullptr : body.if_object();
  if (!members) {
    live.wrong = "the content is no JSON object";
    return live;
  }
  for (const boost::json::key_value_pair& member : *members) {
    const std::string name(member.key());
    if (const boost::json::string* text = member.value().if_string()) {
      take(live, name, std::string(*text));
      continue;
    }
    const boost::json::array* list = member.value().if_array();
    if (name != "fields" || !list) {
      live.wrong = "'" + name + "' is no text";
      continue;
    }
    for (const boost::json::value& field : *list)
      if (const boost::json::string* text = field.if_string())
        take(live, "field", std::string(*text));
  }
  return live;
}

StoredSaid describe(store::Lookup& found, const policy::RouteRule& rule,
                    policy::SystemSeconds now) {
  StoredSaid said{
      .tier = found.tier, .available = found.available, .stamps = std::move(found.stamps)};
  if (!found.response) {
    said.tier = store::Tier::none;
    return said;
  }
  said.status = found.response->status;
  said.age = policy::current_age(*found.response, now);
  said.lifetime = policy::freshness_lifetime(*found.response, rule);
  said.size = found.response->content.size;
  said.compressed = found.response->is_compressed();
  said.softened = found.softened;
  return said;
}

std::vector<policy::LearnedVary::Names> learned_under(const session::RuleSet& rules) {
  std::vector<policy::LearnedVary::Names> learned;
  for (const policy::RouteRule& rule : rules.routes.rules)
    learned.push_back(rules.learned_of(rule).names());
  return learned;
}

std::optional<LastSaid> find_last(const UrlRanking& urls, const http::RequestHead& head,
                                  const config::Settings& settings,
                                  std::chrono::system_clock::time_point now) {
  std::string room;
  const std::optional<RankedUrl> ranked =
      urls.find(head.method_text, head.path,
                redact_query(head.query.value_or(std::string_view()), settings.log_hidden, room));
  if (!ranked) return std::nullopt;
  const auto ago = std::chrono::floor<policy::seconds>(now - ranked->last_ended);
  return LastSaid{.ago = std::max(ago, policy::seconds(0)),
                  .status = ranked->last_status,
                  .failure = ranked->last_failure,
                  .outcome = ranked->last};
}

}  // namespace

awaitable<AdminAnswer> explain_live(session::Worker& worker, const UrlRanking& urls,
                                    AdminRequest request) {
  AskedLive live = read_asked(request);
  if (!live.wrong.empty()) co_return AdminAnswer{live.wrong + "\n", 400};
  // Scheme and host are part of every key: a path alone is meant as clients ask for it.
  if (live.asked.url.starts_with('/')) live.asked.url.insert(0, urls.last_origin());
  const config::Settings& settings = worker.shared.settings;
  auto made = AskedRequest::make(live.asked, settings);
  if (const auto* wrong = std::get_if<std::string>(&made))
    co_return AdminAnswer{*wrong + "\n", 400};
  AskedRequest& asked = *std::get<std::unique_ptr<AskedRequest>>(made);
  const policy::SystemSeconds now = worker.shared.clock.now_in_seconds();
  asked.assume(worker.identifier.identify(asked.head().fields, now));

  const std::shared_ptr<const session::RuleSet> rules = worker.rule_set;
  policy::Explanation explanation = policy::explain(
      asked.explained(rules->routes, rules->index, settings), learned_under(*rules));
  Explained explained{.method = live.asked.method,
                      .target = asked.target(),
                      .explanation = std::move(explanation),
                      .outcome = {},
                      .stored = {}};
  const policy::Explanation& said = explained.explanation;
  explained.outcome = said.outcome;
  if (said.is_looked_up && worker.unstored.remembers(said.key, SteadyClock::now())) {
    // Of this thread: another one may not have met it.
    explained.outcome = {.forward = policy::ForwardReason::bypass,
                         .detail = policy::Detail::not_stored_lately};
  } else if (said.is_looked_up) {
    // Strict, so that the stamps are read and can be shown.
    const store::Resource resource{.rule = said.rule->name,
                                   .path = said.path,
                                   .user = said.user,
                                   .rule_tags = said.rule_tags,
                                   .strict = true,
                                   .most_variants = said.rule->variants_per_url};
    store::Lookup found = co_await worker.store->lookup(said.key, resource);
    explained.outcome =
        policy::decide_outcome(said, asked.head(), found.response.get(), found.softened, now);
    explained.stored = describe(found, *said.rule, now);
  }
  explained.last = find_last(urls, asked.head(), settings, worker.shared.clock.now());
  if (live.as_json) co_return json_answer(format_json(explained));
  co_return AdminAnswer{format_text(explained)};
}

}  // namespace larder::ops
