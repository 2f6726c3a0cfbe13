// Origin: connections to the upstream application, and one request's answer from it.
//
// A pool per thread. An idle connection is dropped before gunicorn's keep-alive (2 s) would drop
// it, and looked at once more before it is used again. What cannot be repeated goes out on a fresh
// connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "config/config.hpp"
#include "http/response_head.hpp"
#include "session/body_reader.hpp"
#include "session/deadlines.hpp"
#include "session/stream.hpp"

namespace larder::session {

enum class FetchFailure : std::uint8_t {
  none,
  name_not_resolved,
  refused,  ///< no address of the origin accepted a connection
  connect_timed_out,
  closed_before_answer,
  first_byte_timed_out,
  malformed_head,
  switched_unasked,  ///< 101 to a request without Upgrade
  interim_flood,
  content_cut_off,
  content_malformed,
  between_bytes_timed_out,
  client_gone,  ///< the client did not finish its request
  client_timed_out,
  client_malformed,
  client_too_large,
};
/// One sentence without a final stop, for a problem's `detail`.
[[nodiscard]] std::string_view describe(FetchFailure failure);
/// 502 or 504; 400 or 408 where the client's own content was at fault.
[[nodiscard]] std::uint16_t status_for(FetchFailure failure);

/// One connection to the origin, with the head it read last.
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

 private:
  friend class OriginPool;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t consumed_ = 0;  ///< the head last parsed ends here
};
using OriginConnectionPointer = std::unique_ptr<OriginConnection>;

class OriginPool {
 public:
  OriginPool(asio::io_context& io, Deadlines& deadlines, const config::Settings& settings);
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  using Acquired = std::variant<OriginConnectionPointer, FetchFailure>;
  /// `fresh`: not one that was used before.
  [[nodiscard]] awaitable<Acquired> acquire(bool fresh);
  /// Takes back a connection whose answer has been read to its end without surplus.
  void release(OriginConnectionPointer connection);
  void close_idle();

  [[nodiscard]] const config::Settings& settings() const { return settings_; }

 private:
  using Tcp = asio::ip::tcp;
  using Endpoints = std::vector<Tcp::endpoint>;

  class Sweep final : public Deadline {
   public:
    explicit Sweep(OriginPool& pool) : pool_(pool) {}

   private:
    void on_expiry() override { pool_.sweep(); }
    OriginPool& pool_;
  };

  [[nodiscard]] awaitable<Acquired> connect();
  [[nodiscard]] awaitable<FetchFailure> resolve();
  void sweep();

  asio::io_context& io_;
  Deadlines& deadlines_;
  const config::Settings& settings_;
  Endpoints endpoints_;
  SteadyClock::time_point resolved_at_{};
  std::vector<OriginConnectionPointer> idle_;
  Sweep sweep_{*this};
};

/// The answer to one request: its head in `connection->head`, its content through `content`.
struct OriginAnswer {
  OriginConnectionPointer connection;
  std::unique_ptr<BodyReader> content;
  std::string prefix;  ///< content that was read before, to be sent first
};
using FetchResult = std::variant<OriginAnswer, FetchFailure>;

/// Told of each 1xx but 101 as it arrives; false: the client is gone.
using InterimSink = std::function<awaitable<bool>(const http::ResponseHead&)>;

struct FetchRequest {
  std::string head;  ///< as it goes out, final empty line included
  http::Method method = http::Method::get;
  bool repeatable =
      false;  ///< idempotent and without content: once more when a used connection died
  bool wants_upgrade = false;
  milliseconds first_byte_timeout{0};
};

/// Sends a request without content and reads the head of its answer.
[[nodiscard]] awaitable<FetchResult> fetch(OriginPool& pool, FetchRequest request,
                                           InterimSink interim);

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
  /// All of the content reached the origin's connection.
  [[nodiscard]] bool is_complete() const { return finished_ && complete_; }
  [[nodiscard]] FetchFailure failure() const { return failure_; }

 private:
  friend awaitable<FetchResult> fetch_with_content(OriginPool& pool, FetchRequest request,
                                                   Upload& upload, InterimSink interim);
  [[nodiscard]] awaitable<void> run(Stream& origin, bool chunked, milliseconds first_byte_timeout,
                                    milliseconds write_timeout);

  BodyReader& content_;
  Stream& client_;
  Stream* origin_ = nullptr;
  Timer done_;
  bool started_ = false;
  bool finished_ = false;
  bool complete_ = false;
  FetchFailure failure_ = FetchFailure::none;
};

/// Sends a request with content, on a fresh connection, never twice. The upload may go on after
/// this has returned: stop() it.
[[nodiscard]] awaitable<FetchResult> fetch_with_content(OriginPool& pool, FetchRequest request,
                                                        Upload& upload, InterimSink interim);

}  // namespace larder::session
