// Upload: a request with content to the origin, whose answer may come before all of it has gone.
#pragma once

#include "session/origin.hpp"

namespace larder::session {

/// Content on its way from a client to the origin while the answer may come already.
class Upload {
 public:
  Upload(asio::io_context& io, BodyReader& content, Stream& client)
      : content_(content), client_(client), done_(io) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// Ends the upload if it still runs, and waits until it has. To be called before anything it uses
  /// goes.
  [[nodiscard]] awaitable<void> stop();
  [[nodiscard]] bool is_finished() const { return finished_; }
  [[nodiscard]] SteadyClock::time_point finished_at() const { return finished_at_; }
  /// All of the content reached the origin's connection.
  [[nodiscard]] bool is_complete() const { return finished_ && complete_; }
  [[nodiscard]] FetchFailure failure() const { return failure_; }

 private:
  friend awaitable<FetchResult> fetch_with_content(OriginPool& pool, const FetchRequest& request,
                                                   Upload& upload);
  [[nodiscard]] awaitable<void> run(Stream& origin, bool chunked, milliseconds first_byte_timeout,
                                    milliseconds write_timeout);

  BodyReader& content_;
  Stream& client_;
  Stream* origin_ = nullptr;
  Timer done_;
  bool started_ = false;
  bool finished_ = false;
  SteadyClock::time_point finished_at_{};
  bool complete_ = false;
  FetchFailure failure_ = FetchFailure::none;
};

/// Sends a request with content, on a fresh connection, never twice. The upload may go on after
/// this has returned: stop() it.
[[nodiscard]] awaitable<FetchResult> fetch_with_content(OriginPool& pool,
                                                        const FetchRequest& request,
                                                        Upload& upload);

}  // namespace larder::session
