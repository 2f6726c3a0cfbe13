// The part of Server that the page of the admin listener is drawn from.
#include <charconv>

#include <boost/asio/as_tuple.hpp>

#include "ops/page.hpp"
#include "server.hpp"

namespace larder {

void Server::add_page_routes(std::vector<ops::AdminRoute>& routes) {
  using ops::AdminAnswer;
  using ops::AdminRequest;
  using ops::Need;
  // The page says nothing by itself; what it asks for is guarded.
  routes.push_back(ops::reading_route("/", Need::nothing, [](const AdminRequest&) {
    return AdminAnswer{std::string(ops::page_html()), 200, "text/html; charset=utf-8",
                       ops::page_security_policy()};
  }));
  routes.push_back(ops::reading_route("/history", Need::reading, [this](const AdminRequest&) {
    return ops::json_answer(ops::format_json(page_.history));
  }));
  routes.push_back(ops::reading_route("/urls", Need::reading, [this](const AdminRequest&) {
    return ops::json_answer(ops::format_json(page_.urls));
  }));
  routes.push_back(ops::reading_route("/tail", Need::reading, [this](const AdminRequest& request) {
    std::uint64_t seen = 0;
    if (const std::string* after = request.parameter("after"))
      std::from_chars(after->data(), after->data() + after->size(), seen);
    return ops::json_answer(page_.tail.read_after(seen, SteadyClock::now()));
  }));
}

awaitable<void> Server::watch_page() {
  Timer pause(control_);
  for (;;) {
    page_.history.take(counters_.read(), clock_.now_in_seconds());
    page_.tail.look_for_watchers(SteadyClock::now());
    pause.expires_after(ops::History::step);
    const auto [ignored] = co_await pause.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
}

}  // namespace larder
