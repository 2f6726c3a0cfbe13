// Explanation text: what `larder explain` prints and what /explain answers, as text and as JSON.
//
// Made of policy's explanation, which has told what may be shown from what may not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/explanation.hpp"
#include "session/fetch_failure.hpp"
#include "store/store.hpp"

namespace larder::ops {

/// What was found stored for a request.
struct StoredSaid {
  store::Tier tier = store::Tier::none;
  bool available = true;  ///< false: Redis could not say
  std::uint16_t status = 0;
  policy::seconds age{0};
  policy::seconds lifetime{0};
  std::size_t size = 0;  ///< bytes of content, as stored
  bool compressed = false;
  bool softened = false;  ///< by a soft purge
  store::Stamps stamps;   ///< of the tags, where the store had to read them
};

/// What became of the last request for the same that went to the origin.
struct LastSaid {
  policy::seconds ago{0};
  std::uint16_t status = 0;  ///< as sent; 0: nothing was
  session::FetchFailure failure = session::FetchFailure::none;
  policy::CacheOutcome outcome;
};

struct Explained {
  std::string method;
  std::string target;  ///< as asked for
  policy::Explanation explanation;
  policy::CacheOutcome outcome;
  /// Nothing: not looked, as without a running Larder.
  std::optional<StoredSaid> stored;
  /// Nothing: there was none that is remembered.
  std::optional<LastSaid> last{};
};

[[nodiscard]] std::string format_text(const Explained& explained);
[[nodiscard]] std::string format_json(const Explained& explained);

}  // namespace larder::ops
