// Line source: one thread's lines on their way to the writer (ops/line_writer).
//
// A ring of bytes with one who writes and one who reads, so that neither takes a lock. What does
// not fit is dropped and counted, not waited for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace larder::ops {

class LineSource {
 public:
  /// `capacity`: bytes, a power of two. `wake`: an eventfd, to be written to after a quarter of it.
  LineSource(std::size_t capacity, int wake);
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// By one thread. Adds the final newline.
  void write(std::string_view line);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  // The reader's side: bytes are numbered from the start, and end with a line.
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  /// What lies in one piece before `end`. Empty: all of it has been taken.
  [[nodiscard]] std::string_view unread(std::uint64_t end) const;
  void take(std::size_t size);

 private:
  void copy(std::uint64_t at, std::string_view text);

  const std::size_t capacity_;
  const int wake_;
  const std::unique_ptr<char[]> ring_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::uint64_t seen_taken_ = 0;  ///< by the writing thread, a while ago
  alignas(64) std::atomic<std::uint64_t> taken_{0};
};

}  // namespace larder::ops
