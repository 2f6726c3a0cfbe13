// Bytes: sixteen bytes of text at once, by the vectors GCC and Clang have for every machine.
//
// A class of bytes is a type with a static function `of`, which answers for sixteen: all bits set
// in each byte that belongs to it.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace larder::http {

using Bytes = unsigned char __attribute__((vector_size(16)));

/// Which of the bytes are marked, by having all bits set where the others have none: four bits for
/// each byte or one, by what the machine gives cheaply; the first byte's are the lowest.
#ifdef __SSE2__
inline constexpr int bits_per_mark = 1;
#else
inline constexpr int bits_per_mark = 4;
#endif
template <typename Marks>
[[nodiscard]] inline std::uint64_t mask_of(Marks marks) {
  static_assert(sizeof marks == 16);
#ifdef __SSE2__
  __m128i vector;
  std::memcpy(&vector, &marks, sizeof vector);
  return static_cast<unsigned>(_mm_movemask_epi8(vector));
#else
  std::array<unsigned char, 16> bytes;
  std::memcpy(bytes.data(), &marks, sizeof bytes);
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= std::uint64_t{bytes[i] & 15u} << (i * 4);
  return mask;
#endif
}

[[nodiscard]] inline Bytes load16(const char* at) {
  Bytes bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/// All of up to fifteen bytes, some of them more than once; zeros for none.
[[nodiscard]] inline Bytes load_few(const char* at, std::size_t size) {
  std::uint64_t halves[2] = {0, 0};
  if (size >= 8) {
    std::memcpy(&halves[0], at, 8);
    std::memcpy(&halves[1], at + size - 8, 8);
  } else if (size >= 4) {
    std::uint32_t ends[2];
    std::memcpy(&ends[0], at, 4);
    std::memcpy(&ends[1], at + size - 4, 4);
    halves[0] = halves[1] = ends[0] | std::uint64_t{ends[1]} << 32;
  } else if (size > 0) {
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    halves[0] = halves[1] =
        (byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16 | byte(0) << 24) * 0x1'0000'0001;
  }
  Bytes bytes;
  std::memcpy(&bytes, halves, sizeof bytes);
  return bytes;
}

/// As memcpy(), without a call for the few bytes that most texts have.
[[gnu::always_inline]] inline void copy_text(char* to, const char* from, std::size_t size) {
  if (size > 16) {
    std::memcpy(to, from, size);
  } else if (size >= 8) {
    std::uint64_t ends[2];
    std::memcpy(&ends[0], from, 8);
    std::memcpy(&ends[1], from + size - 8, 8);
    std::memcpy(to, &ends[0], 8);
    std::memcpy(to + size - 8, &ends[1], 8);
  } else if (size >= 4) {
    std::uint32_t ends[2];
    std::memcpy(&ends[0], from, 4);
    std::memcpy(&ends[1], from + size - 4, 4);
    std::memcpy(to, &ends[0], 4);
    std::memcpy(to + size - 4, &ends[1], 4);
  } else if (size > 0) {
    const char middle = from[size / 2];
    const char last = from[size - 1];
    to[0] = from[0];
    to[size / 2] = middle;
    to[size - 1] = last;
  }
}

/// Is no byte marked by `mark`, which is given all of `size` bytes in portions, each by what loads
/// it from where the bytes begin? Of several texts it so loads what stands at the same place.
template <typename Mark>
[[nodiscard]] inline bool are_none_marked(std::size_t size, const Mark& mark) {
  if (size < 16)
    return size == 0 ||
           mask_of(mark([size](const char* from) { return load_few(from, size); })) == 0;
  const std::size_t last = size - 16;
  for (std::size_t at = 0; at < last; at += 16) {
    if (mask_of(mark([at](const char* from) { return load16(from + at); })) != 0) return false;
  }
  return mask_of(mark([last](const char* from) { return load16(from + last); })) == 0;
}

/// Does no byte of the text belong to `Class`?
template <typename Class>
[[nodiscard]] inline bool has_none(std::string_view text) {
  return are_none_marked(text.size(),
                         [&](const auto& load) { return Class::of(load(text.data())); });
}

}  // namespace larder::http
