// Shared lines: the two heads of a response that is stored compressed, in one text.
//
// They differ in a few fields. With those of the one first, those of the other last, and what both
// have between them, each is one run of the text, so that neither has to be put together for a hit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::policy {

struct SharedLines {
  std::string text;
  std::size_t decoded_size = 0;  ///< the decoded head is the text up to here
  std::size_t coded_begin = 0;   ///< the coded head is the text from here on

  [[nodiscard]] std::string_view decoded() const {
    return std::string_view(text).substr(0, decoded_size);
  }
  [[nodiscard]] std::string_view coded() const {
    return std::string_view(text).substr(coded_begin);
  }
};

/// Both as in StoredResponse. Fields of different names may change places, which means nothing;
/// those of one name never do (RFC 9110 5.3). An empty `coded` leaves `decoded` as it is.
[[nodiscard]] SharedLines share_lines(std::string_view decoded, std::string_view coded);

}  // namespace larder::policy
