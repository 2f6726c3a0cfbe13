// XXH3: the hash of keys and tags, and the checksum of stored values. Not a defence against
// forgers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace larder::store {

[[nodiscard]] std::uint64_t xxh3(std::string_view bytes);
/// 128 bits as 32 hex digits, most significant first.
[[nodiscard]] std::string xxh3_128_hex(std::string_view bytes);

/// The same hash of bytes that come in pieces.
class Xxh3Stream {
 public:
  Xxh3Stream();
  ~Xxh3Stream();
  Xxh3Stream(const Xxh3Stream&) = delete;
  Xxh3Stream& operator=(const Xxh3Stream&) = delete;
  void add(std::string_view piece);
  [[nodiscard]] std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larder::store
