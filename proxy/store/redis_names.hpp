// Redis names: the names of our keys. Readable in redis-cli, and bounded in length.
#pragma once

#include <string>
#include <string_view>

#include "store/pipeline.hpp"

namespace larder::store {

inline constexpr std::string_view value_prefix = "larder:1:v:";
inline constexpr std::string_view stamp_prefix = "larder:1:s:";
inline constexpr std::string_view everything_prefix = "larder:1:s:e:";  ///< before a run_id
inline constexpr std::size_t longest_name = 512;  ///< bytes, behind the prefix

/// Long texts are cut, and told apart by their hash. Two that still collide share a key: a value
/// then is a miss for one of them, a stamp is evicted with the other.
[[nodiscard]] std::string name_of(std::string_view text);
void add_key(Command& command, std::string_view prefix, std::string_view text);

/// `run_id`: of the Redis that is asked. `everything_tag` is stamped for one run of it.
[[nodiscard]] std::string stamp_key(std::string_view tag, std::string_view run_id);
/// The name (name_of) of the tag whose stamp has this key, without the run; empty when it is the
/// key of no stamp.
[[nodiscard]] std::string_view tag_name_of(std::string_view stamp_key);

}  // namespace larder::store
