// Tunnel: bytes both ways after a 101 (RFC 9110 7.8), until both sides have ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "session/stream.hpp"

namespace larder::session {

struct TunnelResult {
  std::uint64_t to_client = 0;  ///< bytes
  std::uint64_t to_origin = 0;
};

/// `early` is what the client sent behind its request already. No idle limit: a WebSocket may be
/// silent; `write_timeout` holds for a peer that does not read.
[[nodiscard]] awaitable<TunnelResult> run_tunnel(asio::io_context& io, Stream& client,
                                                 Stream& origin, std::string_view early,
                                                 milliseconds write_timeout);

}  // namespace larder::session
