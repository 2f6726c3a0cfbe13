// Redaction: a request, and who makes it, with every secret replaced by "(set)", so that whatever
// is made from it for people to read can show none: Authorization, the values of cookies, and what
// a token says. Digests stay: they are what keys and tags in Redis hold as well.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "identity/identifier.hpp"

namespace larder::policy {

inline constexpr std::string_view redacted_value = "(set)";

class Redaction {
 public:
  /// `head` outlives this; `who` may be null.
  Redaction(const http::RequestHead& head, const identity::Identification* who);
  Redaction(const Redaction&) = delete;
  Redaction& operator=(const Redaction&) = delete;

  [[nodiscard]] const http::RequestHead& head() const { return head_; }
  /// Null where there was none.
  [[nodiscard]] const identity::Identification* who() const { return who_ ? &*who_ : nullptr; }

 private:
  http::RequestHead head_;
  std::deque<std::string> texts_;  ///< that fields of `head_` look into
  std::optional<identity::Identification> who_;
};

}  // namespace larder::policy
