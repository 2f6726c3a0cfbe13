#include "store/stamps.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>

#include <openssl/rand.h>

namespace larder::store {

namespace {

bool are_leases(std::string_view text) {
  while (!text.empty()) {
    if (text.size() <= 1 + stamp_digits + 1 || text[0] != ' ' || text[1 + stamp_digits] != ':')
      return false;
    const std::string_view holder = text.substr(1, stamp_digits);
    if (holder.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
    text.remove_prefix(1 + stamp_digits + 1);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  return true;
}

/// Eight lower case hex digits, all at once: each is a byte of a word. Should one be something
/// else, `valid` is false from now on.
inline std::uint64_t parse_eight_digits(const char* text, bool& valid) {
  constexpr std::uint64_t each = 0x0101'0101'0101'0101;
  std::uint64_t digits = 0;
  std::memcpy(&digits, text, sizeof digits);
  const std::uint64_t letters = digits >> 6 & each;
  std::uint64_t values = (digits & 15 * each) + 9 * letters;
  // Each below 16, they are what was read when written again.
  const std::uint64_t above_nine = (values + 6 * each) >> 4 & each;
  const std::uint64_t written = values + '0' * each + ('a' - '0' - 10) * above_nine;
  valid = valid && (values & 0xf0 * each) == 0 && written == digits;
  if constexpr (std::endian::native == std::endian::little) values = __builtin_bswap64(values);
  values = (values | values >> 4) & 0x00ff'00ff'00ff'00ff;
  values = (values | values >> 8) & 0x0000'ffff'0000'ffff;
  return static_cast<std::uint32_t>(values | values >> 16);
}

bool is_own_tag(std::string_view tag) {
  return !tag.starts_with("p:") && !tag.starts_with("b:") && !tag.starts_with("r:") &&
         !tag.starts_with("u:") && tag != everything_tag && tag != named_tag;
}

}  // namespace

void put_stamped_tags(const Resource& resource, policy::TagText& tags) {
  tags.clear();
  tags.add(everything_tag);
  tags.add(named_tag);
  if (!policy::add_tags_of_response(resource.rule, resource.path, resource.user, resource.rule_tags,
                                    tags))
    tags.clear();
}

policy::Tags stamped_tags(const Resource& resource) {
  policy::TagText tags;
  put_stamped_tags(resource, tags);
  return tags.to_vector();
}

Stamps kept_stamps(const Stamps& of_resource, const Stamps& own) {
  Stamps kept;
  if (of_resource.size() < first_tag_position) return kept;
  kept.reserve(of_resource.size() - 1 + own.size());
  kept.push_back(of_resource[everything_position]);
  kept.insert(kept.end(), of_resource.begin() + first_tag_position, of_resource.end());
  kept.insert(kept.end(), own.begin(), own.end());
  return kept;
}

namespace {

Standing worse(Standing one, Standing other) {
  return std::max(one, other);
}

Standing standing_of_one(Stamp kept, Stamp current) {
  if (kept == current) return Standing::current;
  return hard_part(kept) == hard_part(current) && current != 0 ? Standing::softened
                                                               : Standing::evicted;
}

template <class Iterator>
Standing standing_of_each(Iterator kept, Iterator current, Iterator end) {
  Standing standing = Standing::current;
  for (; current != end; ++kept, ++current)
    standing = worse(standing, standing_of_one(*kept, *current));
  return standing;
}

}  // namespace

Standing standing_of(const Stamps& kept, const Stamps& current) {
  if (kept == current) return Standing::current;
  if (kept.empty() || kept.size() != current.size() || kept.front() != current.front())
    return Standing::evicted;
  return standing_of_each(kept.begin() + 1, current.begin() + 1, current.end());
}

Standing standing_of(const Stamps& kept, const Stamps& of_resource, const Stamps& own) {
  if (of_resource.size() < first_tag_position ||
      kept.size() != of_resource.size() - 1 + own.size() ||
      kept.front() != of_resource[everything_position])
    return Standing::evicted;
  const auto of_tags = of_resource.begin() + first_tag_position;
  const auto of_own = kept.end() - static_cast<std::ptrdiff_t>(own.size());
  return worse(standing_of_each(kept.begin() + 1, of_tags, of_resource.end()),
               standing_of_each(of_own, own.begin(), own.end()));
}

bool is_complete(const Stamps& stamps) {
  return stamps.size() > first_tag_position &&
         std::find(stamps.begin(), stamps.end(), Stamp{0}) == stamps.end();
}

policy::Tags with_named_tag(policy::Tags tags) {
  if (std::any_of(tags.begin(), tags.end(), is_own_tag)) tags.emplace(tags.begin(), named_tag);
  return tags;
}

Stamp make_stamp() {
  Stamp stamp = 0;
  while (stamp == 0) {
    // Without randomness no promise of the store can be kept.
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&stamp), sizeof stamp) != 1) std::abort();
  }
  return stamp;
}

Stamp make_stamp_of(std::uint32_t history) {
  const Stamp random = make_stamp();
  return history == 0 ? random : (random | Stamp{1} << 63) >> 32 << 32 | history;
}

bool is_stamp_of(Stamp stamp, std::uint32_t history) {
  return history == 0 || static_cast<std::uint32_t>(stamp) == history;
}

std::string format_stamp(Stamp stamp) {
  std::string text(stamp_digits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, stamp >>= 4)
    *digit = "0123456789abcdef"[stamp & 15];
  return text;
}

Stamp parse_stamp(std::string_view text) {
  bool valid = text.size() == stamp_digits ||
               (text.size() > stamp_digits && are_leases(text.substr(stamp_digits)));
  if (!valid) return 0;
  const Stamp upper = parse_eight_digits(text.data(), valid) << 32;
  const Stamp stamp = upper | parse_eight_digits(text.data() + stamp_digits / 2, valid);
  return valid ? stamp : 0;
}

}  // namespace larder::store
