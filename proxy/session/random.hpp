// Random: numbers for names that nobody else is to have. Not for secrets.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <span>

#include "http/hex.hpp"

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
    for (; out.size() >= http::hex_digits; out = out.subspan(http::hex_digits))
      http::write_hex(next(), out.data());
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace larder::session
