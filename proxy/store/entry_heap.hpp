// Entry heap: memory of what the memory tier keeps, apart from all other memory of the process.
//
// In one heap with it, responses that stay would lie between what misses need for a moment. What
// these leave free is taken by the next response in part, and of the rest little fits: each
// response took an eighth more (tests/bench/footprint).
#pragma once

#include <cstddef>

namespace larder::store {

struct EntryHeap {
  /// Aligned for any object. Throws std::bad_alloc.
  [[nodiscard]] static void* allocate(std::size_t size);
  static void release(void* block);
  /// Bytes that it takes of the heap, what the heap itself needs for it included.
  [[nodiscard]] static std::size_t taken_by(void* block);
};

}  // namespace larder::store
