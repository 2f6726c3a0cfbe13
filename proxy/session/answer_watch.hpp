// Answer watch: who looks on while the origin's answer to a request that is passed on goes by to
// the client. It changes nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.hpp"
#include "policy/shadow.hpp"
#include "policy/stored_response.hpp"

namespace larder::session {

/// What a watch has to know of the answer to tell whether it would have been stored.
struct WatchedHead {
  const http::ResponseHead& head;
  std::uint64_t object_limit = 0;  ///< bytes
  policy::SystemSeconds now{};
};

class AnswerWatch {
 public:
  AnswerWatch() = default;
  AnswerWatch(const AnswerWatch&) = delete;
  AnswerWatch& operator=(const AnswerWatch&) = delete;
  virtual ~AnswerWatch() = default;
  virtual void take_head(const WatchedHead& answer) = 0;
  virtual void take_content(std::string_view piece) = 0;
  /// The client has all of it, or at least the origin gave it.
  virtual void end(policy::Moment answered) = 0;
};

}  // namespace larder::session
