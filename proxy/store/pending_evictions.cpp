#include "store/pending_evictions.hpp"

namespace larder::store {

namespace {
constexpr std::size_t batch_size = 256;
}

void PendingEvictions::add(const policy::Tags& tags) {
  const std::lock_guard lock(mutex_);
  ++evictions_;
  for (const std::string& tag : tags) tags_[tag] = evictions_;
  if (tags_.size() > limit) {
    tags_.clear();
    tags_[std::string(everything_tag)] = evictions_;
  }
  any_ = !tags_.empty();
}

std::size_t PendingEvictions::size() const {
  const std::lock_guard lock(mutex_);
  return tags_.size();
}

PendingEvictions::Batch PendingEvictions::some() const {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.until = evictions_;
  for (auto tag = tags_.begin(); tag != tags_.end() && batch.tags.size() < batch_size; ++tag)
    batch.tags.push_back(tag->first);
  return batch;
}

void PendingEvictions::delivered(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const std::string& tag : batch.tags) {
    const auto found = tags_.find(tag);
    if (found != tags_.end() && found->second <= batch.until) tags_.erase(found);
  }
  any_ = !tags_.empty();
}

}  // namespace larder::store
