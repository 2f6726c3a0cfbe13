// Health check: asking each backend again and again whether it is well.
//
// What follows from the answers is policy/balancing's to decide. Runs on one thread for all.
#pragma once

#include "session/origin_pool.hpp"

namespace larder::session {

/// The request that is sent, for a backend of that URL.
[[nodiscard]] std::string make_check_request(const config::HealthCheck& settings,
                                             const config::Upstream& upstream);

/// One round: connects, asks, and tells pool.backends(). A connection of its own each time, since
/// being able to get one is a part of being well.
[[nodiscard]] awaitable<void> check_health(OriginPool& pool, std::size_t backend);

/// For each backend a round every `interval`, until the io_context ends; none when it is off.
void start_health_checks(asio::io_context& io, OriginPool& pool);

}  // namespace larder::session
