// Line writer: whole lines of several threads to one descriptor, never in the way of who writes
// them.
//
// Each thread has a source of its own. A thread of this writer's takes what they hold a few times a
// second, or when one is a quarter full. When the descriptor takes none, lines beyond what the
// sources hold are dropped and counted, not waited for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "ops/line_source.hpp"

namespace larder::ops {

class LineWriter {
 public:
  /// `descriptor` stays the caller's.
  explicit LineWriter(int descriptor);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Writes what the sources hold, for at most a second. Nobody may be writing to them any more.
  ~LineWriter();

  /// A new one, for one thread, as long-lived as this. `capacity`: bytes, a power of two.
  [[nodiscard]] LineSource& add_source(std::size_t capacity);
  /// Lines that nobody will see, of all sources.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  /// How the descriptor can be written to without being held up.
  enum class Kind : std::uint8_t {
    file,          ///< never holds anybody up
    socket,        ///< takes what there is room for when asked so
    non_blocking,  ///< a pipe that could be opened once more, for this writer alone
    careful,       ///< any other: in small pieces, when poll() says that there is room
  };
  [[nodiscard]] static Kind kind_of(int descriptor, int& reopened);
  void run();
  /// Until nothing is left, or the descriptor takes no more for now.
  void write_out();
  /// Source by source, since a line may lie in two pieces. Empty: there are no lines.
  [[nodiscard]] std::string_view next_piece();
  /// Bytes that are done with; zero: the descriptor takes none now.
  [[nodiscard]] std::size_t write_some(std::string_view piece) const;

  int reopened_ = -1;
  const int descriptor_;
  const Kind kind_;
  const int wake_;  ///< an eventfd
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;  ///< of the list of sources
  std::vector<std::unique_ptr<LineSource>> sources_;
  LineSource* current_ = nullptr;  ///< what is being written, up to `until_`; null: none
  std::uint64_t until_ = 0;
  std::thread thread_;
};

}  // namespace larder::ops
