// Lease message: what the lease scripts publish of each write's leases, for those who witness them.
//
// Channel `larder:1:leases`. A message is text, its words parted by one space; the keys come with
// their sizes, since a key may hold any byte:
//
//   taken 89abcdef01234567 10000 26:larder:1:s:p:/api/models/7 24:larder:1:s:b:/api/models
//
//   taken     a write holds a lease on these keys for so many milliseconds from now
//   renewed   likewise: it goes on
//   ended     over, with nothing left to do; the time is 0
//
// Each message of a holder replaces what its last one said. One whose time runs out counts as an
// eviction of its keys, whoever held it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store {

inline constexpr std::string_view lease_channel = "larder:1:leases";

struct LeaseMessage {
  enum class Event : std::uint8_t { taken, renewed, ended };

  Event event = Event::taken;
  std::string holder;  ///< 16 hex digits: of one write
  std::chrono::milliseconds time{0};
  std::vector<std::string> keys;  ///< of stamps, as they are in Redis; at least one

  bool operator==(const LeaseMessage&) const = default;
};

/// Nothing when it is no such message.
[[nodiscard]] std::optional<LeaseMessage> parse_lease_message(std::string_view text);

/// Lua: `tell(event, holder, time, keys)` publishes a message. A user who may not publish holds
/// leases all the same: witnesses are a help.
inline constexpr std::string_view lease_message_script = R"lua(
local function tell(event, holder, time, keys)
  local words = {event, holder, time}
  for _, key in ipairs(keys) do words[#words + 1] = #key .. ':' .. key end
  redis.pcall('PUBLISH', 'larder:1:leases', table.concat(words, ' '))
end
)lua";

}  // namespace larder::store
