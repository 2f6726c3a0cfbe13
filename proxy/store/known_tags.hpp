// Known tags: which tags of their own the responses had that were lately stored in Redis, or read
// from there, by key.
//
// A response says them itself, so their stamps could be asked for only once it is there. Whoever
// guesses what it said last time asks for all in one round trip, and once more when the guess was
// wrong. Bounded; a key that another one displaces costs that round trip again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "store/store.hpp"

namespace larder::store {

class KnownTags {
 public:
  /// Empty when none are known.
  [[nodiscard]] policy::Tags of(std::string_view key) const;
  void note(std::string_view key, const policy::Tags& tags);

 private:
  struct Known {
    std::uint64_t key = 0;  ///< its hash
    policy::Tags tags;
  };
  std::unique_ptr<std::array<Known, 1'024>> known_;  ///< null until a response names any
};

}  // namespace larder::store
