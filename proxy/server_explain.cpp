// The part of Server that explains: what clients' threads know is asked on theirs.
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ops/live_explanation.hpp"
#include "server_thread.hpp"

namespace larder {

void Server::add_explain_routes(std::vector<ops::AdminRoute>& routes) {
  using Method = ops::AdminRoute::Method;
  for (const Method method : {Method::get, Method::post}) {
    routes.push_back({"/explain", method, ops::Need::reading, [this](ops::AdminRequest request) {
                        session::Worker& worker = threads_.front()->worker;
                        return asio::co_spawn(
                            worker.io, ops::explain_live(worker, page_.urls, std::move(request)),
                            use_awaitable);
                      }});
  }
}

}  // namespace larder
