#include "store/redis_message.hpp"

namespace larder::store {

std::optional<RedisMessage> read_message(const Pipeline& message) {
  const Reply& top = message.reply(0);
  if (top.kind != Reply::Kind::array || top.number != 3) return {};
  const Reply& channel = message.element(0, 1);
  if (message.element(0, 0).kind != Reply::Kind::text || channel.kind != Reply::Kind::text)
    return {};
  const Reply& said = message.element(0, 2);
  if (message.text(channel) != invalidation_channel) {
    if (said.kind != Reply::Kind::text) return {};
    return Published{message.text(channel), message.text(said)};
  }
  if (said.kind == Reply::Kind::nil) return AllChanged{};
  if (said.kind != Reply::Kind::array) return {};
  StampsChanged changed;
  changed.keys.reserve(static_cast<std::size_t>(said.number));
  for (std::size_t i = 0; i < static_cast<std::size_t>(said.number); ++i) {
    const Reply& key = message.element(0, 3 + i);
    if (key.kind != Reply::Kind::text) return {};
    changed.keys.push_back(message.text(key));
  }
  return changed;
}

}  // namespace larder::store
