// Presumption: what a worker's next lookup in Redis will find, going by those before it.
//
// Whoever presumes that nothing is stored has the fill begin in the lookup's own round trip, and
// saves the one that it would take otherwise. A wrong presumption costs Redis some commands in
// vain and nothing else: what is found is used, and what a stamp is Redis says each time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "policy/tags.hpp"
#include "store/local_stamps.hpp"
#include "store/store.hpp"

namespace larder::store {

class Presumption {
 public:
  /// `local`: of the process, which hears of evictions. It outlives this object.
  explicit Presumption(const LocalStamps& local) : local_(local) {}

  /// Did the last lookup under this rule find nothing?
  [[nodiscard]] bool is_conceivable(std::string_view rule) const { return misses_of(rule) > 0; }
  /// And the one before it: so will the next, until one finds something.
  [[nodiscard]] bool is_miss(std::string_view rule) const { return misses_of(rule) >= enough; }
  void note(std::string_view rule, bool is_miss);

  /// The stamps that these tags are presumed to have in Redis; 0 where none was seen there lately,
  /// or an eviction has been heard of since.
  [[nodiscard]] Stamps stamps_of(const policy::TagText& tags) const;
  /// Those that Redis said they have. `local`: their local ones from before it was asked.
  void note(const policy::TagText& tags, const Stamps& local, const Stamps& stamps);

 private:
  static constexpr std::uint8_t enough = 2;

  struct Seen {
    std::uint64_t tag = 0;  ///< its hash
    Stamp local = 0;
    Stamp stamp = 0;
  };

  // The tags of one response, which are asked for together, may not turn one another out.
  static constexpr std::size_t ways = 4;
  using Set = std::array<Seen, ways>;

  [[nodiscard]] std::uint8_t misses_of(std::string_view rule) const;
  /// Where the tag is kept, or is to be.
  [[nodiscard]] Seen& place_of(std::uint64_t tag);

  const LocalStamps& local_;
  std::array<std::uint8_t, 64> misses_{};  ///< in a row, by rule; rules that share a place share it
  std::array<Set, 128> seen_{};
  std::size_t turned_out_ = 0;
};

}  // namespace larder::store
