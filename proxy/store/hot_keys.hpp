// Hot keys: what is asked for most, counted by one thread, in a table that does not grow. Pure.
//
// For the next process, which would find memory empty (store/warm_list): a help, never the truth.
// Counts are halved now and then, so that they say what is asked for lately; that, and room that is
// needed, forgets what is seldom asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/store.hpp"

namespace larder::store {

/// A key with what its tags follow from, so that it can be looked up.
struct HotKey {
  std::string key;
  std::string rule;
  std::string path;
  std::string user;
  std::size_t most_variants = 0;
  std::vector<std::string> rule_tags;

  /// Views into this.
  [[nodiscard]] Resource resource() const {
    return {.rule = rule,
            .path = path,
            .user = user,
            .rule_tags = rule_tags,
            .most_variants = most_variants};
  }
};

inline constexpr std::size_t longest_hot_key = 4'096;  ///< bytes, formatted; longer: not hot

/// As one text: netstrings ("3:abc,"), the first of them the format's name.
[[nodiscard]] std::string format_hot_key(std::string_view key, const Resource& resource);
/// Nothing when it is not such a text.
[[nodiscard]] std::optional<HotKey> parse_hot_key(std::string_view text);

class HotKeys {
 public:
  /// `most`: that hottest() names. Four times as many are counted.
  explicit HotKeys(std::size_t most) : most_(most) {}

  /// It was asked for.
  void note(std::string_view key, const Resource& resource);

  struct Hot {
    std::string_view text;  ///< format_hot_key(); until the next call of another function
    std::uint32_t count = 0;
  };
  /// The most asked for first.
  [[nodiscard]] std::vector<Hot> hottest() const;
  void halve();
  [[nodiscard]] std::size_t size() const { return counts_.size(); }

 private:
  struct Counted {
    std::string text;
    std::uint32_t count = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };

  const std::size_t most_;
  std::unordered_map<std::string, Counted, Hash, std::equal_to<>> counts_;
};

}  // namespace larder::store
