// The part of Server that whoever runs Larder speaks to.
#include <utility>

#include "server.hpp"

namespace larder {

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
    return ops::json_answer(ops::format_json(status()));
  }));
  routes.push_back(
      ops::reading_route("/metrics", Need::reading, [this](const AdminRequest& request) {
        ops::MetricsPage page = ops::make_metrics_page(metrics_, request.accept);
        return AdminAnswer{std::move(page.text), 200, std::move(page.content_type)};
      }));
  return routes;
}

Server::Readiness Server::readiness() {
  if (draining_) return {false, "draining"};
  if (is_store_available()) {
    was_ready_ = true;
    return {true, "ready"};
  }
  if (!was_ready_ && SteadyClock::now() - started_ < start_patience)
    return {false, "starting: Redis has not answered yet"};
  return {true, "ready, degraded: Redis is not usable, every request goes to the upstream"};
}

}  // namespace larder
