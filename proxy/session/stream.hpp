// Stream: one connected socket with its deadline. The only place that reads from and writes to
// peers.
//
// Reads go straight to async_read_some; writes are tried at once and wait only when the kernel's
// buffer is full (performance.md). A deadline cancels what is pending; the operation then says
// `timed_out`. What a stream carries may be encrypted; whoever reads and writes need not know.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "session/deadlines.hpp"
#include "session/tls.hpp"
#include "store/io.hpp"

namespace larder::session {

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using std::chrono::milliseconds;

enum class IoStatus : std::uint8_t {
  ok,
  closed,  ///< the peer ended its side in order
  timed_out,
  failed,  ///< reset, interrupted, or any other error: never to be taken for an end
};

struct ReadResult {
  IoStatus status = IoStatus::ok;
  std::size_t size = 0;  ///< above zero when ok
};

class Stream {
 public:
  /// `socket` is connected; it is made non-blocking.
  Stream(Socket socket, Deadlines& deadlines);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  /// Encrypts from here on; `timeout` is for the whole handshake. After anything but ok the stream
  /// is of no more use, and tls_failure() says why.
  [[nodiscard]] awaitable<IoStatus> start_tls(TlsSession session, milliseconds timeout);
  [[nodiscard]] bool is_encrypted() const { return tls_.has_value(); }
  /// In OpenSSL's words; empty: TLS has not failed.
  [[nodiscard]] std::string_view tls_failure() const;

  /// `timeout` zero: none (endless streams).
  [[nodiscard]] awaitable<ReadResult> read_some(std::span<char> room, milliseconds timeout);
  /// Moves the deadline of the read that is pending, or does nothing.
  void set_read_timeout(milliseconds timeout);
  /// Writes all of the pieces, in order. `timeout` is for each step forward, not for the whole.
  [[nodiscard]] awaitable<IoStatus> write(std::array<std::string_view, 3> pieces,
                                          milliseconds timeout);
  [[nodiscard]] awaitable<IoStatus> write(std::string_view bytes, milliseconds timeout);

  /// Cancels what is pending and refuses what comes; the peer sees a normal close.
  void close();
  /// Closes so that the peer cannot take what it has for complete (RST).
  void reset();
  /// No more will be written.
  void shutdown_write();
  /// Cancels pending operations, which then say `failed`.
  void interrupt();
  /// Has the peer closed, or sent what nobody asked for? For pooled connections, between messages.
  [[nodiscard]] bool is_readable_now();
  /// Has the peer ended its side, or gone? Also behind bytes that have not been read.
  [[nodiscard]] bool has_peer_left();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  /// Reading and writing may wait at the same time, each with a deadline of its own.
  class Direction final : public Deadline {
   public:
    explicit Direction(Stream& stream) : stream_(stream) {}
    bool is_pending = false;

   private:
    void on_expiry() override { stream_.interrupt(); }
    Stream& stream_;
  };

  [[nodiscard]] awaitable<ReadResult> read_decrypted(std::span<char> room, milliseconds timeout);
  [[nodiscard]] awaitable<IoStatus> write_encrypted(std::array<std::string_view, 3> pieces,
                                                    milliseconds timeout);
  /// Until the socket is ready for what a step of TLS needs.
  [[nodiscard]] awaitable<IoStatus> wait_for(TlsNeed need, Direction& direction,
                                             milliseconds timeout);

  Socket socket_;
  Deadlines& deadlines_;
  std::optional<TlsSession> tls_;
  Direction reading_{*this};
  Direction writing_{*this};
};

}  // namespace larder::session
