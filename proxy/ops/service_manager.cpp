#include "ops/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>

namespace larder::ops {

namespace {

/// Nothing when it is not set, or no number above 0.
std::optional<long long> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (!text) return {};
  const std::string_view given = text;
  long long number = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
  if (error != std::errc() || end != given.data() + given.size() || number <= 0) return {};
  return number;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (!socket) return manager;
  const std::string_view path = socket;
  const bool is_usable = (path.starts_with('/') || path.starts_with('@')) && path.size() > 1 &&
                         path.size() < sizeof(sockaddr_un::sun_path);
  if (!is_usable) return manager;
  manager.socket_ = path;
  const std::optional<long long> watched = number_in("WATCHDOG_PID");
  if (watched && *watched != ::getpid()) return manager;
  if (const std::optional<long long> limit = number_in("WATCHDOG_USEC"))
    manager.watchdog_ = std::chrono::microseconds(*limit);
  return manager;
}

void ServiceManager::tell(std::string_view lines) const {
  if (!is_there()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(socket_.begin(), socket_.end(), address.sun_path);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  (void)::sendto(descriptor, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
  ::close(descriptor);
}

}  // namespace larder::ops
