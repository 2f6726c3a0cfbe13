// Content digest: what an answer comes to, as one hash, so that two of them can be compared without
// keeping either: status, Content-Type, and content without its coding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "policy/stored_response.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

class ContentDigest {
 public:
  void take_head(std::uint16_t status, std::string_view content_type,
                 std::string_view content_encoding);
  void take_head(const http::ResponseHead& head);
  void take_content(std::string_view piece);
  /// Nothing: a coding that is not read here, or too much in one that is.
  [[nodiscard]] std::optional<std::uint64_t> value();

  /// Content in gzip that is kept until its end, to be compared as what it means; what is larger
  /// is not compared. Bytes, of each form.
  static constexpr std::size_t most_coded = std::size_t{64} * 1024;
  static constexpr std::size_t most_decoded = std::size_t{1024} * 1024;

 private:
  enum class Coding : std::uint8_t { none, gzip, other };
  Coding coding_ = Coding::none;
  store::Xxh3Stream hash_;
  std::string coded_;
};

/// Of what is stored, as take_head() and take_content() would have had it from the origin.
[[nodiscard]] std::optional<std::uint64_t> digest_of(const policy::StoredResponse& stored);

}  // namespace larder::session
