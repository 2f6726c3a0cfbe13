// Stamps: which tags guard a response, in which order, and the text form of a stamp in Redis.
//
// Beside the tags of policy/tags there are two of the store's own: `everything_tag`, which every
// response carries, and `named_tag`, which stands for the eviction of any tag that a response
// names. A response's own tags are known only when it has come; so a fill that began before such an
// eviction cannot hold their stamps, and is refused when `named_tag` has changed meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace larder::store {

inline constexpr std::string_view named_tag = "n:";
inline constexpr std::size_t stamp_digits = 16;  ///< of its text form

/// In Stamps of a resource: where the stamps of these two stand. Those of its tags follow.
inline constexpr std::size_t everything_position = 0;
inline constexpr std::size_t named_position = 1;
inline constexpr std::size_t first_tag_position = 2;

/// The tags that `Stamps` of this resource belong to, in their order. Empty when it may not be
/// tagged.
[[nodiscard]] policy::Tags stamped_tags(const Resource& resource);
/// The same, in the place of what was there.
void put_stamped_tags(const Resource& resource, policy::TagText& tags);

/// Of a resource's stamps: those a response is kept with. `named` is left out (it guards fills
/// only), `own` are the stamps of the response's own tags.
[[nodiscard]] Stamps kept_stamps(const Stamps& of_resource, const Stamps& own);

/// A stamp's soft part: its first two digits. A soft purge changes it and nothing else of the
/// stamp, an eviction makes the stamp another one altogether.
inline constexpr unsigned soft_bits = 8;
[[nodiscard]] constexpr Stamp hard_part(Stamp stamp) {
  return stamp << soft_bits >> soft_bits;
}

/// What has become of a response since it was put.
enum class Standing : std::uint8_t {
  current,   ///< its stamps are
  softened,  ///< but for soft parts: as one that has just become stale
  evicted,
};
/// Of one that was put with `kept`. `everything_tag` is never softened.
[[nodiscard]] Standing standing_of(const Stamps& kept, const Stamps& current);
/// Likewise, with kept_stamps() of these in the place of `current`.
[[nodiscard]] Standing standing_of(const Stamps& kept, const Stamps& of_resource,
                                   const Stamps& own);

/// Are these stamps of a resource complete, so that a fill may begin?
[[nodiscard]] bool is_complete(const Stamps& stamps);

/// What evicting `tags` makes old: the tags themselves and, when one is a response's own,
/// `named_tag` before them: who sees the new stamp of an own tag must see that of `named_tag` too.
[[nodiscard]] policy::Tags with_named_tag(policy::Tags tags);

/// A random stamp, never zero. OpenSSL's generator: two replicas must never make the same.
[[nodiscard]] Stamp make_stamp();
/// Likewise, for `everything_tag`: its lower half says for which history of Redis it was made.
[[nodiscard]] Stamp make_stamp_of(std::uint32_t history);
/// Was it made for this one? Always, when that is not known (zero).
[[nodiscard]] bool is_stamp_of(Stamp stamp, std::uint32_t history);
[[nodiscard]] std::string format_stamp(Stamp stamp);
/// Of a stamp's value in Redis, with or without leases. Zero when the text is not one.
[[nodiscard]] Stamp parse_stamp(std::string_view text);
/// Does a write hold a lease on it? It still guards what is stored; nothing more is stored under
/// it.
[[nodiscard]] inline bool is_leased(std::string_view text) {
  return text.size() > stamp_digits && parse_stamp(text) != 0;
}

}  // namespace larder::store
