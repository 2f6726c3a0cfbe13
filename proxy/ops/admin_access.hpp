// Admin access: who may ask the admin listener for what. Pure.
//
// What changes something needs the token, wherever it comes from. A listener that others than this
// machine can reach is *exposed*: there, what tells of clients and URLs needs it as well. A browser
// is no way in: no page of another origin may change anything, and one that has rebound its name to
// our address does not know ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::ops {

enum class Need : std::uint8_t {
  nothing,   ///< for probes and scrapers
  reading,   ///< the token where the listener is exposed
  changing,  ///< the token
};

struct AdminPolicy {
  std::string token;  ///< empty: there is none, and nothing may be changed
  bool is_exposed = false;
};

/// What a request says of itself; a field that it does not have is empty.
struct AdminCaller {
  std::string_view host;
  std::string_view origin;
  std::string_view authorization;
};

struct Denied {
  unsigned status = 403;
  std::string_view reason;
};
/// Nothing: it may.
[[nodiscard]] std::optional<Denied> decide_admin_access(const AdminPolicy& policy, Need need,
                                                        const AdminCaller& caller);

}  // namespace larder::ops
