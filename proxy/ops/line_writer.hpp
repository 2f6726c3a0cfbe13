// Line writer: whole lines to a descriptor from any thread, never in the way of who writes them.
//
// Lines are gathered and written together by a thread of its own, a few times a second. When the
// descriptor takes none, lines beyond the bound are dropped and counted, not waited for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace larder::ops {

class LineWriter {
 public:
  /// `descriptor` stays the caller's.
  explicit LineWriter(int descriptor);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Writes what is gathered, for at most a second.
  ~LineWriter();

  /// Adds the final newline.
  void write(std::string_view line);
  [[nodiscard]] std::uint64_t dropped() const;

  static constexpr std::size_t bound = std::size_t{1} << 20;  ///< bytes gathered at most

 private:
  void run();
  /// What could not be written is left in `lines`.
  void write_out(std::string& lines) const;

  const int descriptor_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  std::string gathered_;
  std::uint64_t dropped_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace larder::ops
