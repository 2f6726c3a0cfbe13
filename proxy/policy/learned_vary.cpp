#include "policy/learned_vary.hpp"

#include <algorithm>

namespace larder::policy {

bool LearnedVary::learn(const Names& names) {
  const std::scoped_lock lock(mutex_);
  Names merged = history_.back();
  merged.insert(merged.end(), names.begin(), names.end());
  std::sort(merged.begin(), merged.end());
  merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
  if (merged.size() > maximum) return false;
  if (merged == history_.back()) return true;
  history_.push_back(std::move(merged));
  current_.store(&history_.back(), std::memory_order_release);
  return true;
}

}  // namespace larder::policy
