// Validation: asking the origin whether what is stored still holds, and taking in its 304 (RFC 9111
// 4.3, RFC 9110 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "policy/stored_response.hpp"
#include "policy/storing.hpp"

namespace larder::policy {

/// Did the origin give a validator that it would know again?
[[nodiscard]] bool is_validatable(const StoredResponse& stored);

/// Appends If-None-Match and If-Modified-Since by the stored validators (RFC 9111 4.3.1): Larder's
/// own, the client's conditions are answered apart.
void append_conditions(const StoredResponse& stored, std::string& out);

/// Is it a 200 whose origin gave no ETag? Else there is no need to hash its content.
[[nodiscard]] bool may_have_own_etag(const StoredResponse& stored);
/// For those, a strong ETag of Larder's own (RFC 9110 8.8.3) from a hash of the content: clients
/// then save the transfer.
void add_own_etag(StoredResponse& stored, std::uint64_t hash);

/// The head that a 304 makes of a stored response (RFC 9111 3.2, 4.3.4): its fields replace the
/// stored ones. `text` owns what `head` looks into.
struct FreshenedHead {
  std::string text;
  http::ResponseHead head;
};
/// Nothing when the 304 is about another representation: its validators are not the stored ones.
[[nodiscard]] std::optional<FreshenedHead> freshen(const StoredResponse& stored,
                                                   const http::ResponseHead& not_modified);

}  // namespace larder::policy
