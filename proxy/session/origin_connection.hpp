// Origin connection: one connection to the origin, with the head it read last.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "http/response_head.hpp"
#include "session/fetch_failure.hpp"
#include "session/stream.hpp"

namespace larder::session {

class OriginConnection {
 public:
  OriginConnection(Socket socket, Deadlines& deadlines) : stream(std::move(socket), deadlines) {}

  /// Reads one head, interim or final, into `head`. `timeout` is asked before each read.
  [[nodiscard]] awaitable<FetchFailure> read_head(http::Method method,
                                                  const http::HeadLimits& limits,
                                                  std::function<milliseconds()> timeout);
  /// What follows the head in the buffer.
  [[nodiscard]] std::string_view after_head() const;

  Stream stream;
  http::ResponseHead head;
  bool was_used = false;   ///< carried an exchange before
  bool got_bytes = false;  ///< of the present answer
  SteadyClock::time_point idle_since{};

  /// Ready for another exchange: nothing of the last answer is left.
  void begin_anew();

 private:
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t consumed_ = 0;  ///< the head last parsed ends here
};
using OriginConnectionPointer = std::unique_ptr<OriginConnection>;

}  // namespace larder::session
