#include "store/xxh3.hpp"

#include <cstdio>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace larder::store {

std::uint64_t xxh3(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string xxh3_128_hex(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return {digits, 32};
}

struct Xxh3Stream::State {
  XXH3_state_t state;
};

Xxh3Stream::Xxh3Stream() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->state);
}

Xxh3Stream::~Xxh3Stream() = default;

void Xxh3Stream::add(std::string_view piece) {
  XXH3_64bits_update(&state_->state, piece.data(), piece.size());
}

std::uint64_t Xxh3Stream::value() const {
  return XXH3_64bits_digest(&state_->state);
}

}  // namespace larder::store
