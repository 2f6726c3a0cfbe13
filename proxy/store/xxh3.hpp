// XXH3: the hash of keys and tags, and the checksum of stored values. Not a defence against
// forgers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::store {

[[nodiscard]] std::uint64_t xxh3(std::string_view bytes);
/// 128 bits as 32 hex digits, most significant first.
[[nodiscard]] std::string xxh3_128_hex(std::string_view bytes);

}  // namespace larder::store
