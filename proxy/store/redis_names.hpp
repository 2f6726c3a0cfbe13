// Redis names: the names of our keys. Readable in redis-cli, and bounded in length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "store/pipeline.hpp"

namespace larder::store {

inline constexpr std::size_t longest_name = 512;  ///< bytes, behind the prefix

/// Where our keys lie: what stands before each kind of name. All keys that one response needs are
/// of one keyspace.
struct Keyspace {
  /// `root`: "larder:1:" or, in Redis Cluster, a partition's ("larder:1:{5}:").
  explicit Keyspace(std::string_view root = "larder:1:");

  std::string values;      ///< stored responses
  std::string stamps;      ///< of tags
  std::string everything;  ///< the stamp of `everything_tag`: stands before a run_id
  std::string fills;       ///< locks
  std::string indexes;     ///< of what a tag has
  std::string variants;    ///< of one URL, where clients choose their number
  std::string garbage;     ///< indexes set aside
  std::string warm;        ///< the one key of the warm list

  /// `run_id`: of the Redis that is asked. `everything_tag` is stamped for one run of it.
  [[nodiscard]] std::string stamp_key(std::string_view tag, std::string_view run_id) const;
};

/// In Redis Cluster: enough for the masters of a large cluster to have one or more each, and few
/// enough for an eviction, which is a command to each of them. Part of the protocol: processes that
/// share a cluster must have the same number.
inline constexpr unsigned partition_count = 16;
/// The root of a partition's keyspace, "larder:1:{5}:". The numbers as hash tags lie evenly: four
/// on each quarter of the slots.
[[nodiscard]] std::string partition_root(unsigned partition);

/// Long texts are cut, and told apart by their hash. Two that still collide share a key: a value
/// then is a miss for one of them, a stamp is evicted with the other.
[[nodiscard]] std::string name_of(std::string_view text);
/// The name of the tag whose stamp has this key, in whichever keyspace; of `everything_tag` without
/// the run. Empty when it is the key of no stamp.
[[nodiscard]] std::string_view tag_name_of(std::string_view key);
/// `prefix`: one of a Keyspace.
void add_key(Command& command, std::string_view prefix, std::string_view text);

}  // namespace larder::store
