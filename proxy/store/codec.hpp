// Codec: a stored response as the bytes Redis keeps, and back. Pure.
//
// Two records, so that a 304 can replace the head alone: the content as it is, and a head record
// that holds all else, with a checksum of itself and one of the content. Whatever does not decode
// exactly (another version, another key's value, a flipped bit, a byte too few or too many) is
// nothing: a miss. Bytes of each version are frozen in tests/golden/; a changed format is a new
// version.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/stored_response.hpp"
#include "store/store.hpp"
#include "store/with_room.hpp"

namespace larder::store {

inline constexpr std::uint16_t codec_version = 2;

/// All of a stored response but its content.
struct HeadRecord {
  std::shared_ptr<policy::StoredResponse> response;  ///< never null; without content
  Stamps stamps;                                     ///< as kept_stamps() orders them
  std::chrono::seconds lifetime{0};                  ///< what it was put with
  std::uint64_t content_size = 0;
  std::uint64_t content_checksum = 0;
  Room room;  ///< behind the response, in its allocation
};

/// Nothing when a part is too long for the format (64 KiB of key, 1 MiB of head).
[[nodiscard]] std::optional<std::string> encode_head(std::string_view key,
                                                     const policy::StoredResponse& response,
                                                     const Stamps& stamps,
                                                     std::chrono::seconds lifetime);
/// `content_room`: bytes of room that are left behind the response, for its content.
[[nodiscard]] std::optional<HeadRecord> decode_head(std::string_view key, std::string_view record,
                                                    std::size_t content_room = 0);

/// Is this the content the head record was written with?
[[nodiscard]] bool is_content_of(const HeadRecord& head, std::string_view content);

/// May this record have been made with the stamp? Sometimes yes wrongly, never no wrongly. Cheap:
/// for unlinking what an eviction made useless.
[[nodiscard]] bool may_hold_stamp(std::string_view record, Stamp stamp);

}  // namespace larder::store
