// The part of Server that a service manager hears from.
#include <algorithm>

#include <boost/asio/as_tuple.hpp>

#include "server.hpp"
#include "server_thread.hpp"

namespace larder {

namespace {
constexpr std::chrono::milliseconds before_ready{20};
constexpr std::chrono::milliseconds once_ready{1000};
}  // namespace

// A thread that hangs is a Larder that does not serve some of its clients, so all must have gone
// on.
bool Server::have_all_gone_on() {
  if (draining_) return true;  // threads end then, each when it is done
  if (std::any_of(threads_.begin(), threads_.end(), [](const std::unique_ptr<Thread>& thread) {
        return thread->rounds.load() == thread->rounds_seen;
      }))
    return false;
  for (const std::unique_ptr<Thread>& thread : threads_) thread->rounds_seen = thread->rounds;
  return true;
}

awaitable<void> Server::watch_service() {
  using std::chrono::microseconds;
  const microseconds often = std::min<microseconds>(
      once_ready, service_.watchdog().value_or(microseconds(once_ready) * 4) / 4);
  Timer pause(control_);
  std::string told;
  bool is_ready = false;
  for (;;) {
    const Readiness now = readiness();
    if (now.is_ready && !is_ready) service_.tell("READY=1");
    is_ready = is_ready || now.is_ready;
    if (now.text != told) service_.tell("STATUS=" + now.text);
    told = now.text;
    if (service_.watchdog() && have_all_gone_on()) service_.tell("WATCHDOG=1");
    pause.expires_after(is_ready ? often : before_ready);
    const auto [ignored] = co_await pause.async_wait(asio::as_tuple(use_awaitable));
    (void)ignored;
  }
}

}  // namespace larder
