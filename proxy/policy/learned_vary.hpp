// Learned Vary: request fields that a rule's answers turned out to vary by, beyond the rule's own
// `vary` (RFC 9111 4.1). From then on they count in its keys and are sent with its fills.
//
// Process-wide and lock-free to read. Forgotten at restart: the first answer teaches it again.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace larder::policy {

class LearnedVary {
 public:
  using Names = std::vector<std::string>;

  LearnedVary() = default;
  LearnedVary(const LearnedVary&) = delete;
  LearnedVary& operator=(const LearnedVary&) = delete;

  /// Lower case, sorted. The reference stays valid for this object's life.
  [[nodiscard]] const Names& names() const { return *current_.load(std::memory_order_acquire); }
  /// Adds `names`; false when there would be more than `maximum`, and nothing is changed.
  bool learn(const Names& names);

  static constexpr std::size_t maximum = 8;

 private:
  std::mutex mutex_;
  std::deque<Names> history_{Names{}};  ///< at most `maximum` + 1; readers may hold any of them
  std::atomic<const Names*> current_{&history_.front()};
};

}  // namespace larder::policy
