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

#include <boost/container/devector.hpp>

namespace larder::store {

class Variants {
 public:
  /// `key` has been put: it is the newest. Returns those that are more than `most`, oldest first;
  /// they stay known until they are forgotten. The characters outlive its being known. Zero: no
  /// bound.
  [[nodiscard]] std::vector<std::string> note(std::string_view key, std::size_t most);
  /// `key`, at that very place, is not there any more.
  void forget(std::string_view key);

  /// Bytes that a key takes here, nearly.
  [[nodiscard]] static std::uint64_t size_of(std::string_view key);

 private:
  /// Oldest first. Those that go are old, mostly: they are looked for from there on, and what is
  /// moved when they go is what is even older.
  using Keys = boost::container::devector<std::string_view>;

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Keys> by_url_;
};

}  // namespace larder::store
