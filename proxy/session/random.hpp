// Random: numbers for names that nobody else is to have. Not for secrets.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>

namespace larder::session {

/// Of one thread: xoshiro256++ (Blackman and Vigna 2021), seeded by the system.
class Random {
 public:
  Random() {
    std::random_device system;
    for (std::uint64_t& word : state_) word = (std::uint64_t{system()} << 32) | system();
  }

  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Fills `out`, of a multiple of 16 characters, with hexadecimal digits in lower case.
  void write_hex(std::span<char> out) {
    for (; out.size() >= 16; out = out.subspan(16)) {
      const std::uint64_t bits = next();
      write_digits(static_cast<std::uint32_t>(bits), out.data());
      write_digits(static_cast<std::uint32_t>(bits >> 32), out.data() + 8);
    }
  }

 private:
  /// Eight digits at once, a byte each: a table would take a look for each.
  static void write_digits(std::uint32_t bits, char* out) {
    std::uint64_t digits = bits;
    digits = (digits | (digits << 16)) & 0x0000ffff0000ffffU;
    digits = (digits | (digits << 8)) & 0x00ff00ff00ff00ffU;
    digits = (digits | (digits << 4)) & 0x0f0f0f0f0f0f0f0fU;
    constexpr std::uint64_t each = 0x0101010101010101U;
    const std::uint64_t beyond_nine = ((digits + 6 * each) >> 4) & each;
    digits += '0' * each + beyond_nine * ('a' - '0' - 10);
    std::memcpy(out, &digits, sizeof digits);
  }

  std::uint64_t state_[4];
};

}  // namespace larder::session
