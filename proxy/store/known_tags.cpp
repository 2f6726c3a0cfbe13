#include "store/known_tags.hpp"

#include "store/xxh3.hpp"

namespace larder::store {

policy::Tags KnownTags::of(std::string_view key) const {
  if (!known_) return {};
  const std::uint64_t hash = xxh3(key);
  const Known& known = (*known_)[hash % known_->size()];
  return known.key == hash ? known.tags : policy::Tags();
}

void KnownTags::note(std::string_view key, const policy::Tags& tags) {
  if (!known_) {
    if (tags.empty()) return;
    known_ = std::make_unique<std::array<Known, 1'024>>();
  }
  const std::uint64_t hash = xxh3(key);
  Known& known = (*known_)[hash % known_->size()];
  if (known.key != hash || known.tags != tags) known = {hash, tags};
}

}  // namespace larder::store
