// The part of Server that whoever runs Larder speaks to.
#include <future>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ops/redaction.hpp"
#include "ops/suggestion_text.hpp"
#include "policy/suggestion.hpp"
#include "server.hpp"
#include "store/redis_connecting.hpp"
#include "store/redis_names.hpp"

namespace larder {

namespace {
/// Not asked for more often than that, nor less often.
constexpr std::chrono::milliseconds figures_age{900};
constexpr std::chrono::seconds figures_interval{30};
constexpr std::chrono::seconds first_figures_interval{1};
constexpr std::chrono::milliseconds suggestion_check{20};
}  // namespace

std::string Server::open_admin() {
  const config::Endpoint& endpoint = *config_.settings.admin;
  const std::string& token = config_.settings.admin_token;
  const bool is_exposed = config::is_exposed(endpoint);
  if (is_exposed && token.empty())
    return "the admin listener on " + config::format_endpoint(endpoint) +
           " could be reached from other machines, and there is no token: set LARDER_ADMIN_TOKEN "
           "or admin_token_file, or listen on 127.0.0.1";
  admin_.emplace(control_, ops::AdminPolicy{token, is_exposed}, admin_routes());
  return admin_->listen(endpoint);
}

std::vector<ops::AdminRoute> Server::admin_routes() {
  using ops::AdminAnswer;
  using ops::AdminRequest;
  using ops::Need;
  std::vector<ops::AdminRoute> routes;
  routes.push_back(ops::reading_route("/healthz", Need::nothing,
                                      [](const AdminRequest&) { return AdminAnswer{"ok\n"}; }));
  routes.push_back(ops::reading_route("/readyz", Need::nothing, [this](const AdminRequest&) {
    const Readiness now = readiness();
    return AdminAnswer{now.text + "\n", now.is_ready ? 200U : 503U};
  }));
  routes.push_back(ops::reading_route("/stats", Need::reading, [this](const AdminRequest&) {
    // For who asks next: a Redis that hangs holds nobody up.
    if (config_.settings.redis) asio::co_spawn(control_, look_at_redis(), asio::detached);
    return ops::json_answer(ops::format_json(status()));
  }));
  routes.push_back(
      ops::reading_route("/metrics", Need::nothing, [this](const AdminRequest& request) {
        if (config_.settings.redis) asio::co_spawn(control_, look_at_redis(), asio::detached);
        ops::MetricsPage page = ops::make_metrics_page(metrics_, request.accept);
        return AdminAnswer{std::move(page.text), 200, std::move(page.content_type)};
      }));
  routes.push_back(
      ops::reading_route("/shadow", Need::reading, [this](const AdminRequest& request) {
        const std::string* format = request.parameter("format");
        if (format && *format == "text") return AdminAnswer{ops::format_text(shadowed_rules())};
        return ops::json_answer(ops::format_json(shadowed_rules()));
      }));
  routes.push_back({"/reload", ops::AdminRoute::Method::post, Need::changing,
                    [this](const AdminRequest&) { return answer_reload(); }});
  routes.push_back(
      {"/purge", ops::AdminRoute::Method::post, Need::changing,
       [this](AdminRequest request) { return answer_purge(std::move(request.body)); }});
  routes.push_back({"/suggest", ops::AdminRoute::Method::get, Need::reading,
                    [this](const AdminRequest&) { return answer_suggest(); }});
  add_page_routes(routes);
  add_explain_routes(routes);
  return routes;
}

awaitable<ops::AdminAnswer> Server::answer_suggest() {
  if (!observing_)
    co_return ops::AdminAnswer{
        "nothing is observed: set 'observe' (LARDER_OBSERVE), such as to 20000, and restart\n",
        409};
  if (std::exchange(is_suggesting_, true))
    co_return ops::AdminAnswer{"rules are being looked for already\n", 429};
  // On a thread of its own: whoever asks for /readyz meanwhile must not wait.
  std::future<std::string> found = std::async(std::launch::async, [seen = observing_->copy()] {
    return ops::format_rules(policy::make_suggestions(seen));
  });
  Timer pause(control_);
  while (found.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    pause.expires_after(suggestion_check);
    const auto [ignored] = co_await pause.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
  is_suggesting_ = false;
  co_return ops::AdminAnswer{found.get()};
}

std::vector<ops::ShadowedRule> Server::shadowed_rules() const {
  std::vector<ops::ShadowedRule> shadowed;
  std::string room;
  for (const policy::RouteRule& rule : rules_->routes.rules) {
    const session::RuleShadow* shadow = rules_->shadow_of(rule);
    if (!shadow) continue;
    policy::ShadowReport report = shadow->report();
    for (std::string* example : {&report.stale_example, &report.users_example})
      *example = std::string(ops::redact_url(*example, config_.settings.log_hidden, room));
    shadowed.push_back({rule.name, std::move(report)});
  }
  return shadowed;
}

awaitable<void> Server::look_at_redis() {
  const SteadyClock::time_point now = SteadyClock::now();
  // While it cannot be used, that is all there is to know.
  if (!is_store_available() || now - redis_looked_at_ < figures_age) co_return;
  redis_looked_at_ = now;
  store::RedisPlace place = store::make_redis_place(*config_.settings.redis, stores_.redis_tls);
  if (config_.settings.redis->kind == config::RedisKind::cluster)
    place.root = store::partition_root(0);
  std::optional<store::RedisFigures> figures =
      co_await store::read_redis_figures(control_, std::move(place), stores_.log);
  redis_figures_ = std::move(figures);
}

awaitable<void> Server::watch_redis() {
  Timer pause(control_);
  for (;;) {
    co_await look_at_redis();
    pause.expires_after(redis_figures_ ? figures_interval : first_figures_interval);
    const auto [ignored] = co_await pause.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
}

std::string Server::what_is_wrong() const {
  std::string text;
  if (rules_status_.last_reload_failed)
    text += ", rules: last reload failed: " + rules_status_.last_failure;
  const std::string of_redis = redis_figures_ ? store::warn_of(*redis_figures_) : std::string();
  return of_redis.empty() ? text : text + ", " + of_redis;
}

Server::Readiness Server::readiness() {
  if (draining_) return {false, "draining"};
  const bool is_starting = !was_ready_ && SteadyClock::now() - started_ < start_patience;
  if (is_starting && stores_.warming > 0) return {false, "starting: memory is not warm yet"};
  if (is_store_available()) {
    was_ready_ = true;
    return {true, "ready" + what_is_wrong()};
  }
  if (is_starting) return {false, "starting: Redis has not answered yet"};
  return {true, "ready, degraded: Redis is not usable, every request goes to the upstream" +
                    what_is_wrong()};
}

}  // namespace larder
