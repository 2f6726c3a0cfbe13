#include "session/tunnel.hpp"

#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

namespace larder::session {

namespace {

constexpr std::size_t buffer_size = 16 * 1024;

awaitable<std::uint64_t> carry(Stream& from, Stream& to, std::string_view early,
                               milliseconds write_timeout) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
  std::uint64_t carried = 0;
  std::string_view bytes = early;
  while (true) {
    if (!bytes.empty()) {
      const IoStatus written = co_await to.write(bytes, write_timeout);
      if (written != IoStatus::ok) break;
      carried += bytes.size();
    }
    const ReadResult read = co_await from.read_some({buffer.get(), buffer_size}, milliseconds{0});
    if (read.status == IoStatus::closed) {
      to.shutdown_write();
      co_return carried;
    }
    if (read.status != IoStatus::ok) break;
    bytes = {buffer.get(), read.size};
  }
  // One side failed: the other cannot go on alone.
  from.close();
  to.close();
  co_return carried;
}

}  // namespace

awaitable<TunnelResult> run_tunnel(asio::io_context& io, Stream& client, Stream& origin,
                                   std::string_view early, milliseconds write_timeout) {
  TunnelResult result;
  Timer ended(io);
  ended.expires_at(SteadyClock::time_point::max());
  bool running = true;
  asio::co_spawn(io, carry(client, origin, early, write_timeout),
                 [&](const std::exception_ptr&, std::uint64_t carried) {
                   result.to_origin = carried;
                   running = false;
                   ended.cancel();
                 });
  result.to_client = co_await carry(origin, client, {}, write_timeout);
  while (running) {
    const auto [ignored] = co_await ended.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
  co_return result;
}

}  // namespace larder::session
