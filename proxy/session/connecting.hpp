// Connecting: from a backend's name to a connected socket (RFC 8305).
//
// A name's addresses are tried in the resolver's order, families by turns, each one started a
// moment after the one before and at once when that fails; the first to be connected wins.
#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "session/deadlines.hpp"
#include "session/fetch_failure.hpp"
#include "session/stream.hpp"

namespace larder::session {

using Address = asio::generic::stream_protocol::endpoint;
using Addresses = std::vector<Address>;

/// name_not_resolved, or connect_timed_out when `timeout` came first.
using Resolved = std::variant<Addresses, FetchFailure>;
using Resolve =
    std::function<awaitable<Resolved>(const config::Endpoint& endpoint, milliseconds timeout)>;
/// The system's (getaddrinfo, in a thread of Asio's). `io` and `deadlines` outlive what it returns.
[[nodiscard]] Resolve system_resolve(asio::io_context& io, Deadlines& deadlines);

/// The address that needs no resolving: of a Unix socket or written out; none for names.
[[nodiscard]] Addresses literal_addresses(const config::Endpoint& endpoint);

/// Families by turns, beginning with that of the first; otherwise in order (RFC 8305 4).
[[nodiscard]] Addresses interleave(const Addresses& addresses);

struct Connected {
  Socket socket;
  Address address;
};
/// How long an address is waited for before the next one is tried as well (RFC 8305 5).
inline constexpr milliseconds connection_attempt_delay{250};
using ConnectResult = std::variant<FetchFailure, Connected>;
/// refused (with the system's reason in `why`), or connect_timed_out when `timeout` came first.
[[nodiscard]] awaitable<ConnectResult> connect_first(asio::io_context& io, Addresses addresses,
                                                     milliseconds timeout, std::string& why);

}  // namespace larder::session
