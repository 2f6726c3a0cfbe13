// Selection: what of a stored response goes to this client (RFC 9110 12, 13, 14): which of its
// representations, whether it has that already, and which part of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "policy/compression.hpp"
#include "policy/ranges.hpp"
#include "policy/stored_response.hpp"

namespace larder::policy {

struct Selection {
  /// The content is stored compressed and has to be decoded for this client.
  bool decoded = false;
  bool not_modified = false;  ///< 304; then `range` says nothing
  RangeDecision range = WholeContent{};
  /// Bytes of the representation.
  std::uint64_t length = 0;
  /// Field lines of the representation where those of the stored response do not do; empty: they
  /// do.
  std::string own_head;
};

/// `now` is needed for dates with two-digit years only.
[[nodiscard]] Selection select(const http::RequestHead& head, const StoredResponse& stored,
                               SystemSeconds now);

/// Will a response that is arriving be kept compressed, so that it varies by Accept-Encoding
/// already now? `length`: of its content, where that is known.
[[nodiscard]] bool varies_by_coding(const StoredResponse& arriving,
                                    const std::optional<std::size_t>& length,
                                    const CompressionRule& rule);

/// Field lines of what has been selected.
[[nodiscard]] std::string_view head_of(const Selection& selection, const StoredResponse& stored);

}  // namespace larder::policy
