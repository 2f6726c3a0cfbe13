// Sending: a stored response to a client, as far as the client needs it: whole, as a 304, or in
// parts (RFC 9110 13, 14), as stored or decoded.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "http/range.hpp"
#include "policy/ranges.hpp"
#include "policy/reuse.hpp"
#include "policy/selection.hpp"
#include "policy/stored_response.hpp"
#include "session/answer.hpp"

namespace larder::session {

/// One stored response to one client. What of it the client's kernel takes at once is sent without
/// waiting.
class Sending {
 public:
  /// `age`: to be told; nothing: the origin has made the response for this request. `now` is needed
  /// for dates with two-digit years only. Nothing: finish() is to be awaited.
  [[nodiscard]] std::optional<After> start(Answer& answer, const http::RequestHead& request,
                                           policy::StoredResponsePointer stored,
                                           std::optional<seconds> age, policy::SystemSeconds now);
  [[nodiscard]] awaitable<After> finish(Answer& answer);

 private:
  /// Content in one piece, which the answer is finished with.
  struct Piece {
    std::string_view bytes;
  };
  /// All of the content, decoded while it is sent, so that a large one takes no memory of its own.
  struct Decoded {};
  /// Parts of the content, each behind a head of its own unless there is but one.
  struct Parts {
    http::ByteRanges ranges;
    policy::SharedBytes decoded;  ///< that they are parts of; null: they are of what is stored
    policy::Multipart frame;
  };
  /// Its content is stored, and cannot be decoded.
  struct Unreadable {};
  using Content = std::variant<Piece, Decoded, Parts, Unreadable>;

  [[nodiscard]] Content write_head(Answer& answer, const http::RequestHead& request,
                                   std::optional<seconds> age, policy::SystemSeconds now) const;
  [[nodiscard]] Content write_partial_head(Answer& answer, const policy::Selection& selection,
                                           http::ByteRanges ranges,
                                           std::optional<seconds> age) const;
  [[nodiscard]] awaitable<After> send(Answer& answer, Piece piece) const;
  [[nodiscard]] awaitable<After> send(Answer& answer, Decoded decoded) const;
  [[nodiscard]] awaitable<After> send(Answer& answer, Unreadable unreadable) const;
  [[nodiscard]] awaitable<After> send(Answer& answer, const Parts& parts) const;

  policy::StoredResponsePointer stored_;
  Content content_;  ///< that has not been sent
};

/// Tells that a stored response is used.
void note_reuse(const policy::Reuse& reuse, ExchangeRecord& record);

}  // namespace larder::session
