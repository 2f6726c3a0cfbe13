#include "store/presumption.hpp"

#include <algorithm>

#include "store/xxh3.hpp"

namespace larder::store {

std::uint8_t Presumption::misses_of(std::string_view rule) const {
  return misses_[xxh3(rule) % misses_.size()];
}

void Presumption::note(std::string_view rule, bool is_miss) {
  std::uint8_t& misses = misses_[xxh3(rule) % misses_.size()];
  misses = is_miss ? std::min<std::uint8_t>(misses + 1, enough) : 0;
}

Stamps Presumption::stamps_of(const policy::TagText& tags) const {
  Stamps stamps(tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const std::uint64_t tag = xxh3(tags[i]);
    for (const Seen& seen : seen_[tag % seen_.size()])
      if (seen.tag == tag && seen.local == local_.current(LocalStamps::slot_of(tags[i])))
        stamps[i] = seen.stamp;
  }
  return stamps;
}

Presumption::Seen& Presumption::place_of(std::uint64_t tag) {
  Set& set = seen_[tag % seen_.size()];
  for (const std::uint64_t wanted : {tag, std::uint64_t{0}}) {
    const auto place = std::find_if(set.begin(), set.end(),
                                    [wanted](const Seen& seen) { return seen.tag == wanted; });
    if (place != set.end()) return *place;
  }
  return set[turned_out_++ % ways];
}

void Presumption::note(const policy::TagText& tags, const Stamps& local, const Stamps& stamps) {
  if (local.size() != tags.size() || stamps.size() != tags.size()) return;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (stamps[i] == 0) continue;
    const std::uint64_t tag = xxh3(tags[i]);
    place_of(tag) = {tag, local[i], stamps[i]};
  }
}

}  // namespace larder::store
