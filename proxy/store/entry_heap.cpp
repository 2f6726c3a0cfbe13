#include "store/entry_heap.hpp"

#include <malloc.h>

#include <new>

#include <boost/container/allocator.hpp>

namespace larder::store {

namespace {
constexpr std::size_t before_each_block = sizeof(std::size_t);  // glibc's malloc and dlmalloc alike
}

#ifdef LARDER_SANITIZED
// Sanitizers follow what becomes of a block only through their own heap.
void* EntryHeap::allocate(std::size_t size) {
  return ::operator new(size);
}

void EntryHeap::release(void* block) {
  ::operator delete(block);
}

std::size_t EntryHeap::taken_by(void* block) {
  return ::malloc_usable_size(block) + before_each_block;
}
#else
namespace {
// Doug Lea's malloc, best fit, with one lock: an entry takes it twice, when it comes and when it
// goes.
using Bytes = boost::container::allocator<std::byte>;
}  // namespace

void* EntryHeap::allocate(std::size_t size) {
  return Bytes().allocate(size);
}

void EntryHeap::release(void* block) {
  Bytes().deallocate(static_cast<std::byte*>(block), 0);
}

std::size_t EntryHeap::taken_by(void* block) {
  return Bytes().size(static_cast<std::byte*>(block)) + before_each_block;
}
#endif

}  // namespace larder::store
