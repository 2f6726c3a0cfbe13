// Rules watch: tells when the files of rules have changed.
//
// inotify tells at once, on the folder rather than on the file, since editors rename over it and a
// mounted config map swaps a link (..data) that the file is reached by. Where inotify tells nothing
// (network file systems, links from elsewhere) a look now and then does. What counts is the files'
// content: nothing is told of what was merely touched, and no write is missed for its time stamp.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "store/io.hpp"

namespace larder::ops {

/// A digest of all that the rules at `path`, a file or a folder, are read from. What cannot be read
/// has one as well.
[[nodiscard]] std::string rules_signature(const std::string& path);

class RulesWatch {
 public:
  /// So long nothing has changed, before what is there is taken to be whole; and at the latest.
  static constexpr std::chrono::milliseconds quiet{100};
  static constexpr std::chrono::milliseconds longest{1'000};
  /// Between two looks without news.
  static constexpr std::chrono::seconds look_again{5};

  /// `seen`: the signature of what has been read already. `changed` is called on the thread of
  /// `io`, which outlives this.
  RulesWatch(asio::io_context& io, std::string path, std::string seen,
             std::function<void()> changed);
  RulesWatch(const RulesWatch&) = delete;
  RulesWatch& operator=(const RulesWatch&) = delete;
  ~RulesWatch();

  void start();
  /// What is there now is about to be read: it is no news any more.
  void note_read() { seen_ = rules_signature(path_); }

 private:
  struct Events;

  void open();
  void wait_for_events(const std::shared_ptr<Events>& events);
  void look_soon();
  void look_at(SteadyClock::time_point when);
  void look();

  asio::io_context& io_;
  const std::string path_;
  std::string seen_;
  const std::function<void()> changed_;
  Timer timer_;
  std::optional<SteadyClock::time_point> first_event_;  ///< of those not looked at yet
  std::shared_ptr<Events> events_;                      ///< null: inotify is not to be had
};

}  // namespace larder::ops
