// Variants: the keys in a store that are variants of one URL, so that there are not too many.
//
// Counted where something is stored, so that a hit costs nothing. Thread-safe; a key is noted and
// forgotten under the lock that its caller holds on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::store {

class Variants {
 public:
  /// `key` has been put: it is the newest. Returns those that are more than `most`, oldest first;
  /// they stay known until they are forgotten. The string outlives its being known. Zero: no bound.
  [[nodiscard]] std::vector<std::string> note(const std::string& key, std::size_t most);
  /// `key`, that very string, is not there any more.
  void forget(const std::string& key);

  /// Bytes that a key takes here, nearly.
  [[nodiscard]] static std::uint64_t size_of(std::string_view key);

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::vector<const std::string*>> by_url_;  ///< oldest first
};

}  // namespace larder::store
