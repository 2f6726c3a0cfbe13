// Relay: the origin's answer to the client as it arrives, with back-pressure and bounded memory.
#pragma once

#include "policy/stored_response.hpp"
#include "session/answer.hpp"
#include "session/answer_watch.hpp"
#include "session/upload.hpp"

namespace larder::session {

/// Where an answer that is relayed goes. Everything outlives the call.
struct RelayTo {
  Answer& answer;
  const http::RequestHead& request;
  ExchangeRecord& record;
  OriginPool& pool;  ///< takes the origin's connection back when that can be used again
  policy::SystemSeconds now;
  AnswerWatch* watch = nullptr;  ///< sees the content as it goes by; null: nobody does
};

/// Head and content. `upload`: of the request, may still be running; null: the request had no
/// content.
[[nodiscard]] awaitable<After> relay(OriginAnswer from, Upload* upload, RelayTo to);

/// The rest of an answer whose head (and perhaps some content) has been sent already.
/// `head_waits`: what is written goes out with the first content; else before it is waited for.
[[nodiscard]] awaitable<After> relay_content(OriginAnswer from, Upload* upload, bool chunked,
                                             bool head_waits, RelayTo to);

}  // namespace larder::session
