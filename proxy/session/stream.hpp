// Stream: one connected socket with its deadline. The only place that reads from and writes to
// peers.
//
// Reads go straight to async_read_some; writes are tried at once and wait only when the kernel's
// buffer is full (performance.md). Whoever has more to do than to write may try for itself
// (write_now) and need be no coroutine. A deadline cancels what is pending; the operation then says
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
#include "session/pace.hpp"
#include "store/io.hpp"
#include "store/tls.hpp"

namespace larder::session {

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
enum class IoStatus : std::uint8_t {
  ok,
  closed,  ///< the peer ended its side in order
  timed_out,
  failed,  ///< reset, interrupted, or any other error: never to be taken for an end
};

struct ReadResult {
  IoStatus status = IoStatus::ok;
  std::size_t size = 0;     ///< above zero when ok
  bool is_unasked = false;  ///< of ask(): was there before the question, which has not gone out
};

/// When is a peer's end seen that came together with the last bytes read?
enum class EndSeen : std::uint8_t {
  at_once,
  late,  ///< by the next wait_readable(), or read that sees it at once: saves a system call
};

/// What is to be written, in order; empty ones are nothing.
using Pieces = std::array<std::string_view, 3>;

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
  /// After a handshake that has failed: what follows is not encrypted.
  void stop_tls() { tls_.reset(); }
  /// In OpenSSL's words; empty: TLS has not failed.
  [[nodiscard]] std::string_view tls_failure() const;

  /// `timeout` zero: none (endless streams).
  [[nodiscard]] awaitable<ReadResult> read_some(std::span<char> room, milliseconds timeout,
                                                EndSeen end_seen = EndSeen::at_once);
  /// As read_some(), but without taking anything: for whoever does not want to keep room for it.
  [[nodiscard]] awaitable<IoStatus> wait_readable(milliseconds timeout);
  /// Writes a question and reads, as read_some(), what comes in answer. What has arrived before is
  /// none, and is told apart: the read begins first, and only when there was nothing for it to take
  /// does the question go out. One system call says so and waits for the answer, where looking
  /// first and reading later would take two, and leave as much time between them. `write_timeout`:
  /// as write() has it. A question that cannot be written: `failed`. Not for a stream of which ends
  /// are seen late.
  [[nodiscard]] awaitable<ReadResult> ask(std::string_view question, milliseconds write_timeout,
                                          std::span<char> room, milliseconds timeout);
  /// Moves the deadline of the read that is pending, or does nothing.
  void set_read_timeout(milliseconds timeout);
  /// Writes what the kernel takes without waiting, and takes that off the pieces. Nothing: it takes
  /// no more now, and write() is to wait for the rest.
  [[nodiscard]] std::optional<IoStatus> write_now(Pieces& pieces);
  /// Writes all of the pieces. `timeout` is for each step forward, not for the whole: the peer's
  /// kernel taking any byte is one.
  [[nodiscard]] awaitable<IoStatus> write(Pieces pieces, milliseconds timeout);
  [[nodiscard]] awaitable<IoStatus> write(std::string_view bytes, milliseconds timeout);

  /// From here on a write to a peer that takes less than this times out. By default none does.
  void set_write_pace(Pace pace) { write_pace_ = pace; }

  /// Cancels what is pending and refuses what comes; the peer sees a normal close.
  void close();
  /// Closes so that the peer cannot take what it has for complete (RST).
  void reset();
  /// No more will be written.
  void shutdown_write();
  /// Cancels pending operations, which then say `failed`.
  void interrupt();
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
  /// What has been decrypted, or can be, without waiting; nothing: more has to come for that.
  [[nodiscard]] std::optional<ReadResult> decrypt_now(std::span<char> room);
  [[nodiscard]] std::optional<IoStatus> encrypt_now(Pieces& pieces);
  /// Until the socket is ready for what a step of TLS needs.
  [[nodiscard]] awaitable<IoStatus> wait_for(TlsNeed need, Direction& direction,
                                             milliseconds timeout);

  /// Until what is written has room; by steps, as write() has them.
  [[nodiscard]] awaitable<IoStatus> wait_for_room(milliseconds timeout);
  /// Bytes written that the peer's kernel has not taken.
  [[nodiscard]] std::uint64_t unsent();

  Socket socket_;
  Deadlines& deadlines_;
  Pace write_pace_;
  std::optional<TlsSession> tls_;
  bool is_end_unseen_ = false;  ///< perhaps: the last read took what was there, and did not look
  TlsNeed write_needs_ = TlsNeed::writable;  ///< what a write that found no room waits for
  Direction reading_{*this};
  Direction writing_{*this};
};

}  // namespace larder::session
