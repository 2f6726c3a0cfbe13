#include "ops/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace larder::ops {

namespace {
/// How long a line may wait to be seen.
constexpr std::chrono::milliseconds gathering_time{50};
constexpr std::chrono::seconds last_attempt{1};
/// A pipe that poll() calls writable takes this much without blocking (POSIX, PIPE_BUF).
constexpr std::size_t written_at_once = 4096;
}  // namespace

LineWriter::LineWriter(int descriptor) : descriptor_(descriptor), thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_one();
  thread_.join();
}

void LineWriter::write(std::string_view line) {
  const std::scoped_lock lock(mutex_);
  if (gathered_.size() + line.size() + 1 > bound) {
    ++dropped_;
    return;
  }
  gathered_.append(line).push_back('\n');
}

std::uint64_t LineWriter::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

void LineWriter::run() {
  std::string lines;
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    stopping_.wait_for(lock, gathering_time, [this] { return stopped_; });
    if (lines.empty()) lines.swap(gathered_);
    lock.unlock();
    write_out(lines);
    lock.lock();
  }
  const auto give_up = std::chrono::steady_clock::now() + last_attempt;
  lines += gathered_;
  lock.unlock();
  while (!lines.empty() && std::chrono::steady_clock::now() < give_up) write_out(lines);
}

void LineWriter::write_out(std::string& lines) const {
  std::size_t written = 0;
  while (written < lines.size()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(gathering_time.count())) == 0) break;
    const std::size_t size = std::min(lines.size() - written, written_at_once);
    const ssize_t taken = ::write(descriptor_, lines.data() + written, size);
    if (taken < 0 && errno != EINTR && errno != EAGAIN) {
      // Closed, or a full disk: there is nobody to tell.
      written = lines.size();
      break;
    }
    if (taken > 0) written += static_cast<std::size_t>(taken);
  }
  lines.erase(0, written);
}

}  // namespace larder::ops
