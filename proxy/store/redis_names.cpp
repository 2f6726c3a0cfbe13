#include "store/redis_names.hpp"

#include "store/store.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

Keyspace::Keyspace(std::string_view root)
    : values(std::string(root) + "v:"),
      stamps(std::string(root) + "s:"),
      everything(stamps + std::string(everything_tag)),
      fills(std::string(root) + "f:"),
      indexes(std::string(root) + "i:"),
      variants(std::string(root) + "u:"),
      garbage(std::string(root) + "g:"),
      warm(std::string(root) + "w") {}

std::string Keyspace::stamp_key(std::string_view tag, std::string_view run_id) const {
  std::string key(stamps);
  key += name_of(tag);
  if (tag == everything_tag) key += run_id;
  return key;
}

std::string partition_root(unsigned partition) {
  return "larder:1:{" + std::to_string(partition) + "}:";
}

std::string name_of(std::string_view text) {
  if (text.size() <= longest_name) return std::string(text);
  const std::string hash = xxh3_128_hex(text);
  std::string name(text.substr(0, longest_name - 1 - hash.size()));
  return name.append("~").append(hash);
}

void add_key(Command& command, std::string_view prefix, std::string_view text) {
  if (text.size() <= longest_name)
    command.add_joined(prefix, text);
  else
    command.add_joined(prefix, name_of(text));
}

std::string_view tag_name_of(std::string_view key) {
  constexpr std::string_view root = "larder:1:";
  constexpr std::string_view of_stamps = "s:";
  if (!key.starts_with(root)) return {};
  key.remove_prefix(root.size());
  if (key.starts_with('{')) {
    const std::size_t end = key.find("}:");
    if (end == std::string_view::npos) return {};
    key.remove_prefix(end + 2);
  }
  if (!key.starts_with(of_stamps)) return {};
  key.remove_prefix(of_stamps.size());
  return key.starts_with(everything_tag) ? everything_tag : key;
}

}  // namespace larder::store
