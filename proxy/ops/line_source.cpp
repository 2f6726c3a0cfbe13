#include "ops/line_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace larder::ops {

LineSource::LineSource(std::size_t capacity, int wake)
    : capacity_(capacity), wake_(wake), ring_(new char[capacity]) {}

void LineSource::write(std::string_view line) {
  const std::uint64_t begin = written_.load(std::memory_order_relaxed);
  const std::uint64_t end = begin + line.size() + 1;
  if (end - seen_taken_ > capacity_) {
    seen_taken_ = taken_.load(std::memory_order_acquire);
    if (end - seen_taken_ > capacity_) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
  }
  copy(begin, line);
  ring_[(end - 1) & (capacity_ - 1)] = '\n';
  written_.store(end, std::memory_order_release);
  const std::uint64_t quarter = capacity_ / 4;
  if (begin / quarter != end / quarter) {
    const std::uint64_t one = 1;
    // It fails only when the reader has many such signals waiting.
    (void)!::write(wake_, &one, sizeof one);
  }
}

void LineSource::copy(std::uint64_t at, std::string_view text) {
  const std::size_t begin = at & (capacity_ - 1);
  const std::size_t before_end = std::min(text.size(), capacity_ - begin);
  std::memcpy(ring_.get() + begin, text.data(), before_end);
  std::memcpy(ring_.get(), text.data() + before_end, text.size() - before_end);
}

std::string_view LineSource::unread(std::uint64_t end) const {
  const std::uint64_t begin = taken();
  const std::size_t offset = begin & (capacity_ - 1);
  return {ring_.get() + offset, std::min<std::size_t>(end - begin, capacity_ - offset)};
}

void LineSource::take(std::size_t size) {
  taken_.store(taken() + size, std::memory_order_release);
}

}  // namespace larder::ops
