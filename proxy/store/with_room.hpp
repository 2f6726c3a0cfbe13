// With room: an object and the bytes it speaks of, in one allocation.
//
// For std::allocate_shared. The allocator knows where the room begins once it has allocated.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

namespace larder::store {

/// Content up to here is copied behind the object it belongs to; larger content is not worth the
/// copying.
inline constexpr std::size_t largest_within = 16 * 1024;

/// How much there is to be behind an object, and then where it begins.
struct Room {
  std::size_t size = 0;
  void* block = nullptr;  ///< the whole of the allocation
  char* begin = nullptr;  ///< what put() fills next

  /// A copy of the bytes, which lives as long as the object.
  std::string_view put(const void* bytes, std::size_t count) {
    if (count != 0) std::memcpy(begin, bytes, count);
    const std::string_view placed(begin, count);
    begin += count;
    return placed;
  }
  std::string_view put(std::string_view text) { return put(text.data(), text.size()); }
};

/// The heap of everything else.
struct CommonHeap {
  [[nodiscard]] static void* allocate(std::size_t size) { return ::operator new(size); }
  static void release(void* block) { ::operator delete(block); }
};

template <class T, class Heap = CommonHeap>
class WithRoom {
 public:
  using value_type = T;
  /// `room` is of use only while the object is made.
  explicit WithRoom(Room& room) : room_(&room) {}
  template <class Other>
  WithRoom(
      const WithRoom<Other, Heap>& other)  // NOLINT(google-explicit-constructor): as allocators are
      : room_(other.room()) {}
  T* allocate(std::size_t count) {
    room_->block = Heap::allocate(count * sizeof(T) + room_->size);
    room_->begin = static_cast<char*>(room_->block) + count * sizeof(T);
    return static_cast<T*>(room_->block);
  }
  void deallocate(T* block, std::size_t) { Heap::release(block); }
  template <class Other>
  bool operator==(const WithRoom<Other, Heap>&) const {
    return true;
  }
  [[nodiscard]] Room* room() const { return room_; }

 private:
  Room* room_;
};

}  // namespace larder::store
