// Redis message: what a connection is told that has subscribed to invalidations and leases. Pure.
//
// With client tracking Redis tells which keys have changed (RESP2: as messages on a channel of its
// own). Views into the message.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "store/pipeline.hpp"

namespace larder::store {

/// Where Redis tells what has changed.
inline constexpr std::string_view invalidation_channel = "__redis__:invalidate";

/// The keys of stamps that have become other ones, or are gone.
struct StampsChanged {
  std::vector<std::string_view> keys;
};
/// A whole database was emptied.
struct AllChanged {};
/// What somebody published.
struct Published {
  std::string_view channel;
  std::string_view text;
};
using RedisMessage = std::variant<StampsChanged, AllChanged, Published>;

/// `message`: the one array it holds. Nothing when Redis would not say that.
[[nodiscard]] std::optional<RedisMessage> read_message(const Pipeline& message);

}  // namespace larder::store
