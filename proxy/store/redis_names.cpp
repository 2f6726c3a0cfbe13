#include "store/redis_names.hpp"

#include "store/store.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

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

std::string stamp_key(std::string_view tag, std::string_view run_id) {
  std::string key(stamp_prefix);
  key += name_of(tag);
  if (tag == everything_tag) key += run_id;
  return key;
}

std::string_view tag_name_of(std::string_view stamp_key) {
  if (stamp_key.starts_with(everything_prefix)) return everything_tag;
  if (!stamp_key.starts_with(stamp_prefix)) return {};
  return stamp_key.substr(stamp_prefix.size());
}

}  // namespace larder::store
