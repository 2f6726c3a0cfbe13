// Content hash: what an answer says, as one number: of its status, its Content-Type and its
// content, taken while it goes by.
//
// What is compressed anew may differ though it means the same (Django pads it at random), so
// content in gzip is kept until its end and hashed decoded; what is coded otherwise, or too large,
// has no hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

class ContentHash {
 public:
  void take_head(const http::ResponseHead& head);
  void take_content(std::string_view piece);
  /// Of all of it. Nothing: it cannot be compared.
  [[nodiscard]] std::optional<std::uint64_t> value();

  /// Content in gzip that is kept until its end. Bytes, of each form.
  static constexpr std::size_t most_coded = std::size_t{64} * 1024;
  static constexpr std::size_t most_decoded = std::size_t{1024} * 1024;

 private:
  enum class Coding : std::uint8_t { none, gzip, other };

  Coding coding_ = Coding::none;
  store::Xxh3Stream hash_;
  std::string coded_;
};

}  // namespace larder::session
