#include "session/listening.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace larder::session {

namespace {

constexpr int backlog = 4096;
constexpr int first_inherited = 3;  // SD_LISTEN_FDS_START

std::string cannot_listen(const std::string& where, const std::string& why) {
  return "cannot listen on " + where + ": " + why;
}

std::string last_error() {
  return std::strerror(errno);
}

std::string shown_tcp(const config::ListenAddress& address, std::uint16_t port) {
  const std::string& host = address.endpoint.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return (address.tls ? "https://" : "") + (is_v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

std::uint16_t port_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  // The port stands at the same place for both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

int socket_option(int descriptor, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

int number_of(const char* text) {
  int number = -1;
  if (!text) return number;
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, number);
  return error == std::errc() && rest == end ? number : -1;
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // config/values has checked that it fits.
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// Does somebody listen there? A socket whose process is gone refuses.
bool is_listened_on(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  const ListeningSocket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.descriptor(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

}  // namespace

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : family(other.family), tls(other.tls), shared(other.shared), descriptor_(other.release()) {}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int ListeningSocket::release() {
  return std::exchange(descriptor_, -1);
}

InheritedSockets inherited_from_environment() {
  InheritedSockets inherited;
  if (number_of(std::getenv("LISTEN_PID")) != ::getpid()) return inherited;
  inherited.count = std::max(number_of(std::getenv("LISTEN_FDS")), 0);
  const char* names = std::getenv("LISTEN_FDNAMES");
  for (std::string_view rest = names ? names : ""; !rest.empty();) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    inherited.names.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return inherited;
}

std::string Listening::open(const config::Settings& settings, unsigned threads,
                            const InheritedSockets& inherited) {
  of_threads_.resize(threads);
  for (const config::ListenAddress& address : settings.listen) {
    std::string failed;
    if (address.systemd) {
      if (inherited.count == 0) return "listen: systemd has passed on no sockets (LISTEN_FDS)";
      for (int index = 0; index < inherited.count && failed.empty(); ++index) {
        const auto place = static_cast<std::size_t>(index);
        const std::string name = place < inherited.names.size() ? inherited.names[place] : "";
        const bool tls = name == "https";
        if (tls && settings.tls_certificate.empty())
          return "listen: the socket that systemd calls https needs tls_certificate and tls_key";
        failed = adopt(first_inherited + index, tls, name);
      }
    } else if (address.descriptor >= 0) {
      failed = adopt(address.descriptor, false, {});
    } else if (address.endpoint.is_unix()) {
      failed = open_unix(address, settings.listen_mode);
    } else {
      failed = open_tcp(address);
    }
    if (!failed.empty()) return failed;
  }
  return {};
}

std::vector<ListeningSocket> Listening::take(unsigned thread) {
  return std::move(of_threads_[thread]);
}

std::string Listening::open_tcp(const config::ListenAddress& address) {
  addrinfo wanted{};
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::uint16_t port = address.endpoint.port;
  const std::string where = shown_tcp(address, port);
  const int failed =
      ::getaddrinfo(address.endpoint.host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (failed != 0) return cannot_listen(where, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> results(found, ::freeaddrinfo);
  sockaddr_storage local{};
  std::memcpy(&local, found->ai_addr, found->ai_addrlen);
  for (std::vector<ListeningSocket>& sockets : of_threads_) {
    const int on = 1;
    ListeningSocket socket(
        ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    socket.family = found->ai_family;
    socket.tls = address.tls;
    const int descriptor = socket.descriptor();
    if (::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&local), found->ai_addrlen) != 0 ||
        ::listen(descriptor, backlog) != 0)
      return cannot_listen(where, last_error());
    // Port 0 is any free one, and the same for all threads.
    port = port_of(descriptor);
    reinterpret_cast<sockaddr_in*>(&local)->sin_port = htons(port);
    sockets.push_back(std::move(socket));
  }
  shown_.push_back(shown_tcp(address, port));
  return {};
}

std::string Listening::open_unix(const config::ListenAddress& address, unsigned mode) {
  const std::string& path = address.endpoint.path;
  const std::string where = "unix:" + path;
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return cannot_listen(where, "there is a file that is no socket");
    if (is_listened_on(path)) return cannot_listen(where, "somebody listens there already");
    ::unlink(path.c_str());
  }
  ListeningSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  socket.family = AF_UNIX;
  const sockaddr_un local = unix_address(path);
  if (::bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    return cannot_listen(where, last_error());
  if (::lstat(path.c_str(), &found) == 0) files_.push_back({path, found.st_dev, found.st_ino});
  // Nobody can connect before listen(), so nobody does with other permissions.
  if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.descriptor(), backlog) != 0)
    return cannot_listen(where, last_error());
  shown_.push_back(where);
  return share(std::move(socket));
}

std::string Listening::adopt(int descriptor, bool tls, const std::string& name) {
  const std::string where =
      "fd:" + std::to_string(descriptor) + (name.empty() ? "" : " (" + name + ")");
  if (socket_option(descriptor, SO_TYPE) != SOCK_STREAM ||
      socket_option(descriptor, SO_ACCEPTCONN) != 1)
    return cannot_listen(where, "no stream socket that listens was inherited there");
  ListeningSocket socket(descriptor);
  socket.family = socket_option(descriptor, SO_DOMAIN);
  socket.tls = tls;
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
    return cannot_listen(where, last_error());
  shown_.push_back((tls ? "https on " : "") + where);
  return share(std::move(socket));
}

std::string Listening::share(ListeningSocket socket) {
  socket.shared = true;
  for (std::size_t thread = 1; thread < of_threads_.size(); ++thread) {
    ListeningSocket another(::fcntl(socket.descriptor(), F_DUPFD_CLOEXEC, 0));
    if (another.descriptor() < 0) return cannot_listen(shown_.back(), last_error());
    another.family = socket.family;
    another.tls = socket.tls;
    another.shared = true;
    of_threads_[thread].push_back(std::move(another));
  }
  of_threads_.front().push_back(std::move(socket));
  return {};
}

void Listening::remove_files() {
  for (const SocketFile& file : files_) {
    struct stat found {};
    if (::lstat(file.path.c_str(), &found) == 0 && found.st_dev == file.device &&
        found.st_ino == file.file)
      ::unlink(file.path.c_str());
  }
  files_.clear();
}

}  // namespace larder::session
