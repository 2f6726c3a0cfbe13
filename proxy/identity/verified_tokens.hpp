// Verified tokens: those of late, so that one is verified once and not at every request.
//
// Of one thread. Holds only what was verified, so nobody can fill it who cannot sign. Bounded in
// number and in bytes: the oldest goes first, and costs a verification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "identity/verification.hpp"

namespace larder::identity {

class VerifiedTokens {
 public:
  static constexpr std::size_t most_tokens = 4096;
  static constexpr std::size_t most_bytes = 4 << 20;  ///< of token text

  VerifiedTokens();

  /// Null when it is not there, or does not hold now: has expired, or, by a clock that went back,
  /// not begun.
  [[nodiscard]] std::shared_ptr<const Verified> find(std::string_view token,
                                                     std::chrono::sys_seconds now) const;
  /// `token` is not there yet.
  void add(std::string_view token, std::shared_ptr<const Verified> verified);

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  /// Of a random seed for each process: which tokens share a bucket cannot be foreseen. The whole
  /// token is compared, so a collision is no more than that.
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed = 0;
    std::size_t operator()(std::string_view token) const;
  };

  std::unordered_map<std::string, std::shared_ptr<const Verified>, Hash, std::equal_to<>> tokens_;
  std::deque<const std::string*> order_;  ///< keys of `tokens_`, the oldest first
  std::size_t bytes_ = 0;
};

}  // namespace larder::identity
