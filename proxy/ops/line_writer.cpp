#include "ops/line_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

namespace larder::ops {

namespace {
/// How long a line may wait to be seen.
constexpr std::chrono::milliseconds gathering_time{50};
constexpr std::chrono::seconds last_attempt{1};
/// A pipe that poll() calls writable takes this much without blocking (POSIX, PIPE_BUF).
constexpr std::size_t written_with_care = 4096;

bool is_writable(int descriptor) {
  pollfd ready{descriptor, POLLOUT, 0};
  return ::poll(&ready, 1, static_cast<int>(gathering_time.count())) != 0;
}
}  // namespace

LineWriter::Kind LineWriter::kind_of(int descriptor, int& reopened) {
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return Kind::careful;
  if (S_ISREG(about.st_mode)) return Kind::file;
  if (S_ISSOCK(about.st_mode)) return Kind::socket;
  if (!S_ISFIFO(about.st_mode)) return Kind::careful;
  // O_NONBLOCK on the descriptor itself would hold for every process that shares the pipe.
  const std::string name = "/proc/self/fd/" + std::to_string(descriptor);
  reopened = ::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  return reopened < 0 ? Kind::careful : Kind::non_blocking;
}

LineWriter::LineWriter(int descriptor)
    : descriptor_(descriptor),
      kind_(kind_of(descriptor, reopened_)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  stopped_ = true;
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
  if (reopened_ >= 0) ::close(reopened_);
}

LineSource& LineWriter::add_source(std::size_t capacity) {
  const std::scoped_lock lock(mutex_);
  return *sources_.emplace_back(std::make_unique<LineSource>(capacity, wake_));
}

std::uint64_t LineWriter::dropped() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const std::unique_ptr<LineSource>& source : sources_) sum += source->dropped();
  return sum;
}

void LineWriter::run() {
  while (!stopped_) {
    pollfd woken{wake_, POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(gathering_time.count()));
    std::uint64_t times = 0;
    (void)!::read(wake_, &times, sizeof times);
    write_out();
  }
  const auto give_up = std::chrono::steady_clock::now() + last_attempt;
  while (!next_piece().empty() && std::chrono::steady_clock::now() < give_up) write_out();
}

std::string_view LineWriter::next_piece() {
  if (!current_) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::find_if(sources_.begin(), sources_.end(),
                                    [](const std::unique_ptr<LineSource>& source) {
                                      return source->written() > source->taken();
                                    });
    if (found == sources_.end()) return {};
    current_ = found->get();
    until_ = current_->written();
    // Whoever writes most shall not keep the others waiting for ever.
    std::rotate(sources_.begin(), found + 1, sources_.end());
  }
  return current_->unread(until_);
}

void LineWriter::write_out() {
  for (std::string_view piece = next_piece(); !piece.empty(); piece = next_piece()) {
    const std::size_t done = write_some(piece);
    if (done == 0) return;
    current_->take(done);
    if (current_->taken() == until_) current_ = nullptr;
  }
}

std::size_t LineWriter::write_some(std::string_view piece) const {
  ssize_t taken = -1;
  switch (kind_) {
    case Kind::file:
      taken = ::write(descriptor_, piece.data(), piece.size());
      break;
    case Kind::socket:
      taken = ::send(descriptor_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case Kind::non_blocking:
      taken = ::write(reopened_, piece.data(), piece.size());
      break;
    case Kind::careful:
      if (!is_writable(descriptor_)) return 0;
      taken = ::write(descriptor_, piece.data(), std::min(piece.size(), written_with_care));
      break;
  }
  if (taken >= 0) return static_cast<std::size_t>(taken);
  if (errno == EINTR) return 0;
  if (errno == EAGAIN) {
    (void)is_writable(descriptor_);
    return 0;
  }
  // Closed, or a full disk: there is nobody to tell.
  return piece.size();
}

}  // namespace larder::ops
