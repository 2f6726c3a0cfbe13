// Listening: opens the sockets that `listen` names, or takes them over from who started us.
//
// TCP sockets are one for each thread (SO_REUSEPORT): the kernel spreads the clients, and a second
// process may serve on the same port. A Unix or inherited socket exists once; every thread accepts
// on a duplicate of it, so that its clients have all cores, too.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace larder::session {

/// A listening stream socket that never waits. Owns its descriptor.
class ListeningSocket {
 public:
  explicit ListeningSocket(int descriptor) : descriptor_(descriptor) {}
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Gives up the descriptor.
  [[nodiscard]] int release();

  int family = 0;       ///< AF_INET, AF_INET6 or AF_UNIX
  bool tls = false;     ///< clients speak TLS
  bool shared = false;  ///< with other threads, and perhaps with other processes

 private:
  int descriptor_;
};

/// What sd_listen_fds(3) would say: sockets from descriptor 3 on, with their names.
struct InheritedSockets {
  int count = 0;
  std::vector<std::string> names;  ///< fewer than `count`: the rest have none
};
/// From LISTEN_FDS, LISTEN_FDNAMES, if LISTEN_PID is this process.
[[nodiscard]] InheritedSockets inherited_from_environment();

class Listening {
 public:
  Listening() = default;
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { remove_files(); }

  /// Opens all for so many threads. What failed in words, empty on success: "cannot listen on
  /// 0.0.0.0:80: Permission denied".
  [[nodiscard]] std::string open(const config::Settings& settings, unsigned threads,
                                 const InheritedSockets& inherited);
  /// The sockets of one thread, in order; they are its own from then on.
  [[nodiscard]] std::vector<ListeningSocket> take(unsigned thread);
  /// As they were opened, for the log: "https://0.0.0.0:8443".
  [[nodiscard]] const std::vector<std::string>& shown() const { return shown_; }
  /// Removes the files of Unix sockets, unless others have taken their places.
  void remove_files();

 private:
  struct SocketFile {
    std::string path;
    unsigned long device;
    unsigned long file;
  };

  [[nodiscard]] std::string open_tcp(const config::ListenAddress& address);
  [[nodiscard]] std::string open_unix(const config::ListenAddress& address, unsigned mode);
  [[nodiscard]] std::string adopt(int descriptor, bool tls, const std::string& name);
  /// Gives a socket that exists once to every thread.
  [[nodiscard]] std::string share(ListeningSocket socket);

  std::vector<std::vector<ListeningSocket>> of_threads_;
  std::vector<std::string> shown_;
  std::vector<SocketFile> files_;
};

}  // namespace larder::session
