#include "store/variants.hpp"

#include <algorithm>

#include "policy/lookup.hpp"
#include "store/xxh3.hpp"

namespace larder::store {

std::vector<std::string> Variants::note(std::string_view key, std::size_t most) {
  std::vector<std::string> surplus;
  const std::string_view url = policy::url_with_variants(key);
  if (url.empty()) return surplus;
  const std::scoped_lock lock(mutex_);
  Keys& keys = by_url_[xxh3(url)];
  keys.push_back(key);
  for (std::size_t i = 0; most > 0 && i + most < keys.size(); ++i) surplus.emplace_back(keys[i]);
  return surplus;
}

void Variants::forget(std::string_view key) {
  const std::string_view url = policy::url_with_variants(key);
  if (url.empty()) return;
  const std::scoped_lock lock(mutex_);
  const auto found = by_url_.find(xxh3(url));
  if (found == by_url_.end()) return;
  Keys& keys = found->second;
  const auto place = std::find_if(
      keys.begin(), keys.end(), [&](std::string_view known) { return known.data() == key.data(); });
  if (place != keys.end()) keys.erase(place);
  if (keys.empty()) by_url_.erase(found);
}

std::uint64_t Variants::size_of(std::string_view key) {
  // As if each were the first of its URL: its list with one key, and the map's node and bucket.
  constexpr std::uint64_t first_of_url = 32 + 80 + 8;
  return policy::url_with_variants(key).empty() ? 0 : first_of_url;
}

}  // namespace larder::store
