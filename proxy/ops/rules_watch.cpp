#include "ops/rules_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "identity/digest.hpp"

namespace larder::ops {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t all_changes = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                      IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF |
                                      IN_MOVE_SELF;
constexpr int most_links = 16;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return stream.is_open() ? "+" + content.str() : std::string("-");
}

/// Where something changes when the rules do: what they are read from, and the folder of it and of
/// each link on the way. A file that is mounted by itself is told of by itself alone.
std::vector<fs::path> watched_places(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> places;
  fs::path at(path);
  places.push_back(at);
  for (int links = 0; links < most_links; ++links) {
    fs::path parent = at.parent_path();
    if (parent.empty()) parent = ".";
    places.push_back(parent);
    if (!fs::is_symlink(at, error)) break;
    const fs::path target = fs::read_symlink(at, error);
    if (error) break;
    at = target.is_absolute() ? target : parent / target;
  }
  return places;
}

}  // namespace

std::string rules_signature(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> files{path};
  if (fs::is_directory(path, error)) {
    files.clear();
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string extension = entry->path().extension().string();
      const bool is_hidden = entry->path().filename().string().starts_with('.');
      if (!is_hidden && (extension == ".yaml" || extension == ".yml"))
        files.push_back(entry->path());
    }
    std::sort(files.begin(), files.end());
  }
  std::string parts;
  for (const fs::path& file : files)
    parts += identity::digest_of({file.string(), content_of(file)});
  return parts;
}

/// One inotify instance. Its descriptor reads what nobody looks at: that there is something is
/// enough.
struct RulesWatch::Events {
  explicit Events(asio::io_context& io) : descriptor(io) {}
  asio::posix::basic_stream_descriptor<Executor> descriptor;
  std::array<char, 4096> read{};
};

RulesWatch::RulesWatch(asio::io_context& io, std::string path, std::string seen,
                       std::function<void()> changed)
    : io_(io),
      path_(std::move(path)),
      seen_(std::move(seen)),
      changed_(std::move(changed)),
      timer_(io) {}

RulesWatch::~RulesWatch() = default;

void RulesWatch::start() {
  open();
  look();
}

/// Anew each time: the places may be others than before.
void RulesWatch::open() {
  events_.reset();
  const int instance = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (instance < 0) return;
  auto events = std::make_shared<Events>(io_);
  events->descriptor.assign(instance);
  for (const fs::path& place : watched_places(path_))
    (void)::inotify_add_watch(instance, place.c_str(), all_changes);
  events_ = std::move(events);
  wait_for_events(events_);
}

void RulesWatch::wait_for_events(const std::shared_ptr<Events>& events) {
  // Does not own it: without an owner the descriptor is closed, and the wait ends.
  events->descriptor.async_read_some(
      asio::buffer(events->read),
      [this, weak = std::weak_ptr(events)](const error_code& error, std::size_t) {
        const std::shared_ptr<Events> same = weak.lock();
        if (error || !same) return;
        look_soon();
        wait_for_events(same);
      });
}

void RulesWatch::look_soon() {
  const SteadyClock::time_point now = SteadyClock::now();
  if (!first_event_) first_event_ = now;
  look_at(std::min(now + quiet, *first_event_ + longest));
}

void RulesWatch::look_at(SteadyClock::time_point when) {
  timer_.expires_at(when);
  timer_.async_wait([this](const error_code& error) {
    if (!error) look();
  });
}

void RulesWatch::look() {
  first_event_.reset();
  if (rules_signature(path_) != seen_) {
    // Whatever changes from here on is heard of.
    open();
    changed_();
  }
  if (!first_event_) look_at(SteadyClock::now() + look_again);
}

}  // namespace larder::ops
