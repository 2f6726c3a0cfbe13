#include "session/stream.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include "session/read_room.hpp"
#include "store/called_directly.hpp"

namespace larder::session {

namespace {
// Deferred: awaited in the frame of whoever waits, where use_awaitable would make one of its own.
constexpr auto as_result = asio::as_tuple(called_directly(asio::deferred));

IoStatus status_of(const error_code& error, bool expired) {
  if (!error) return IoStatus::ok;
  if (error == asio::error::operation_aborted)
    return expired ? IoStatus::timed_out : IoStatus::failed;
  return error == asio::error::eof ? IoStatus::closed : IoStatus::failed;
}

/// What is encrypted at once: the most one TLS record carries (RFC 8446 5.1).
constexpr std::size_t record_content = 16 * 1024;

/// As much of the pieces as one record carries, in one place; `room` is used when that is needed.
std::string_view gather(const Pieces& pieces, std::string& room) {
  const auto is_filled = [](std::string_view piece) { return !piece.empty(); };
  const auto* const first = std::find_if(pieces.begin(), pieces.end(), is_filled);
  if (first == pieces.end()) return {};
  const bool alone = std::none_of(first + 1, pieces.end(), is_filled);
  if (alone || first->size() >= record_content) return first->substr(0, record_content);
  room.clear();
  for (const auto* piece = first; piece != pieces.end(); ++piece)
    room.append(piece->substr(0, record_content - room.size()));
  return room;
}

bool are_empty(const Pieces& pieces) {
  return pieces[0].empty() && pieces[1].empty() && pieces[2].empty();
}

/// As ::send() of all that is there.
ssize_t send_pieces(int socket, const Pieces& pieces) {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  std::array<iovec, 3> vectors;
  std::size_t count = 0;
  for (const std::string_view piece : pieces)
    if (!piece.empty()) vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
  if (count == 1) return ::send(socket, vectors[0].iov_base, vectors[0].iov_len, flags);
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return ::sendmsg(socket, &message, flags);
}

/// Takes `size` bytes off the front.
void advance(Pieces& pieces, std::size_t size) {
  for (std::string_view& piece : pieces) {
    const std::size_t taken = std::min(size, piece.size());
    piece.remove_prefix(taken);
    size -= taken;
  }
}
}  // namespace

Stream::Stream(Socket socket, Deadlines& deadlines)
    : socket_(std::move(socket)), deadlines_(deadlines) {
  error_code ignored;
  // With native_non_blocking alone, Asio's synchronous calls wait in poll().
  socket_.non_blocking(true, ignored);
}

Stream::~Stream() {
  close();
}

awaitable<ReadResult> Stream::read_some(std::span<char> room, milliseconds timeout,
                                        EndSeen end_seen) {
  if (!socket_.is_open()) co_return ReadResult{IoStatus::closed};
  if (tls_) {
    const ReadResult read = co_await read_decrypted(room, timeout);
    co_return read;
  }
  if (is_end_unseen_ && end_seen == EndSeen::at_once) {
    const IoStatus ready = co_await wait_readable(timeout);
    if (ready != IoStatus::ok) co_return ReadResult{ready};
  }
  deadlines_.set(reading_, timeout);
  reading_.is_pending = true;
  const bool short_is_all = end_seen == EndSeen::late;
  const auto [error, size] = co_await socket_.async_read_some(
      ReadRoom{asio::buffer(room.data(), room.size()), short_is_all}, as_result);
  reading_.is_pending = false;
  const bool expired = reading_.is_expired();
  deadlines_.clear(reading_);
  if (!error) is_end_unseen_ = short_is_all && size < room.size();
  co_return ReadResult{status_of(error, expired), size};
}

awaitable<ReadResult> Stream::ask(std::string_view question, milliseconds write_timeout,
                                  std::span<char> room, milliseconds timeout) {
  if (!socket_.is_open()) co_return ReadResult{IoStatus::closed};
  if (tls_) {
    std::optional<ReadResult> read = decrypt_now(room);
    if (read) {
      read->is_unasked = true;
      co_return *read;
    }
    const IoStatus written = co_await write(question, write_timeout);
    if (written != IoStatus::ok) co_return ReadResult{IoStatus::failed};
    const ReadResult answer = co_await read_decrypted(room, timeout);
    co_return answer;
  }
  Pieces unsent{question};
  std::optional<IoStatus> sent;
  bool is_unasked = false;
  // Asio reads at once if it can, and only tells later. What it has read shows in the room, unless
  // it begins with NUL, as no answer does.
  room.front() = '\0';
  deadlines_.set(reading_, timeout);
  reading_.is_pending = true;
  const auto begin = [&](auto handler) {
    socket_.async_read_some(asio::buffer(room.data(), room.size()), std::move(handler));
    is_unasked = room.front() != '\0';
    if (is_unasked) return;
    sent = write_now(unsent);
    if (sent != IoStatus::ok) interrupt();
  };
  auto token = as_result;
  const auto [error, size] =
      co_await asio::async_initiate<decltype(token), void(error_code, std::size_t)>(begin, token);
  reading_.is_pending = false;
  const bool expired = reading_.is_expired();
  deadlines_.clear(reading_);
  if (is_unasked || sent == IoStatus::ok)
    co_return ReadResult{status_of(error, expired), size, is_unasked};
  // The kernel did not take all of it. The read was ended, and begins again behind the rest.
  if (!sent) {
    const IoStatus later = co_await write(unsent, write_timeout);
    sent = later;
  }
  if (sent != IoStatus::ok) co_return ReadResult{IoStatus::failed};
  const ReadResult read = co_await read_some(room, timeout);
  co_return read;
}

awaitable<IoStatus> Stream::wait_readable(milliseconds timeout) {
  if (!socket_.is_open()) co_return IoStatus::closed;
  if (tls_ && tls_->has_pending()) co_return IoStatus::ok;
  const IoStatus ready = co_await wait_for(TlsNeed::readable, reading_, timeout);
  // To wait without reading asks epoll anew, and an end is told of again.
  if (ready == IoStatus::ok) is_end_unseen_ = false;
  co_return ready;
}

void Stream::set_read_timeout(milliseconds timeout) {
  if (reading_.is_pending) deadlines_.set(reading_, timeout);
}

awaitable<IoStatus> Stream::write(std::string_view bytes, milliseconds timeout) {
  return write(Pieces{bytes}, timeout);
}

awaitable<IoStatus> Stream::write(Pieces pieces, milliseconds timeout) {
  while (true) {
    const std::optional<IoStatus> written = write_now(pieces);
    if (written) co_return *written;
    const IoStatus ready = co_await wait_for_room(timeout);
    if (ready != IoStatus::ok) co_return ready;
  }
}

std::optional<IoStatus> Stream::write_now(Pieces& pieces) {
  if (tls_) return encrypt_now(pieces);
  while (!are_empty(pieces)) {
    if (!socket_.is_open()) return IoStatus::closed;
    const ssize_t written = send_pieces(socket_.native_handle(), pieces);
    if (written >= 0) {
      advance(pieces, static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      write_needs_ = TlsNeed::writable;
      return std::nullopt;
    } else if (errno != EINTR) {
      return IoStatus::failed;
    }
  }
  return IoStatus::ok;
}

awaitable<IoStatus> Stream::wait_for(TlsNeed need, Direction& direction, milliseconds timeout) {
  deadlines_.set(direction, timeout);
  direction.is_pending = true;
  const auto [error] = co_await socket_.async_wait(
      need == TlsNeed::readable ? Socket::wait_read : Socket::wait_write, as_result);
  direction.is_pending = false;
  const bool expired = direction.is_expired();
  deadlines_.clear(direction);
  co_return status_of(error, expired);
}

std::uint64_t Stream::unsent() {
  int bytes = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 && bytes > 0
             ? static_cast<std::uint64_t>(bytes)
             : 0;
}

// A socket counts as writable only when much of its buffer is free. A peer that reads slowly is
// seen to read long before.
awaitable<IoStatus> Stream::wait_for_room(milliseconds timeout) {
  while (true) {
    const std::optional<milliseconds> patience = write_pace_.patience(timeout);
    if (!patience) co_return IoStatus::timed_out;
    const SteadyClock::time_point began = SteadyClock::now();
    const std::uint64_t before = unsent();
    const IoStatus ready = co_await wait_for(write_needs_, writing_, *patience);
    if (!socket_.is_open()) co_return ready == IoStatus::ok ? IoStatus::closed : ready;
    const std::uint64_t after = unsent();
    const std::uint64_t moved = before > after ? before - after : 0;
    write_pace_.note(moved, SteadyClock::now() - began);
    if (ready != IoStatus::timed_out || moved == 0) co_return ready;
  }
}

awaitable<IoStatus> Stream::start_tls(TlsSession session, milliseconds timeout) {
  tls_.emplace(std::move(session));
  const SteadyClock::time_point give_up = SteadyClock::now() + timeout;
  while (socket_.is_open()) {
    const TlsNeed need = tls_->handshake();
    if (need == TlsNeed::nothing) co_return IoStatus::ok;
    if (need == TlsNeed::closed) co_return IoStatus::closed;
    if (need == TlsNeed::failed) co_return IoStatus::failed;
    const auto left = std::chrono::ceil<milliseconds>(give_up - SteadyClock::now());
    const IoStatus ready = co_await wait_for(need, reading_, std::max(left, milliseconds{1}));
    if (ready != IoStatus::ok) co_return ready;
  }
  co_return IoStatus::failed;
}

std::string_view Stream::tls_failure() const {
  return tls_ ? std::string_view(tls_->failure()) : std::string_view();
}

awaitable<ReadResult> Stream::read_decrypted(std::span<char> room, milliseconds timeout) {
  // A read that has to wait anyway does so before it asks the system in vain.
  TlsNeed need = tls_->has_pending() ? TlsNeed::nothing : TlsNeed::readable;
  while (true) {
    if (need != TlsNeed::nothing) {
      const IoStatus ready = co_await wait_for(need, reading_, timeout);
      if (ready != IoStatus::ok) co_return ReadResult{ready};
      if (!socket_.is_open()) co_return ReadResult{IoStatus::closed};
    }
    std::size_t size = 0;
    need = tls_->read(room, size);
    if (need == TlsNeed::nothing) co_return ReadResult{IoStatus::ok, size};
    if (need == TlsNeed::closed) co_return ReadResult{IoStatus::closed};
    if (need == TlsNeed::failed) co_return ReadResult{IoStatus::failed};
  }
}

std::optional<ReadResult> Stream::decrypt_now(std::span<char> room) {
  std::size_t size = 0;
  switch (tls_->read(room, size)) {
    case TlsNeed::nothing:
      return ReadResult{IoStatus::ok, size};
    case TlsNeed::readable:
      return std::nullopt;
    case TlsNeed::closed:
      return ReadResult{IoStatus::closed};
    case TlsNeed::writable:
    case TlsNeed::failed:
      break;
  }
  return ReadResult{IoStatus::failed};
}

std::optional<IoStatus> Stream::encrypt_now(Pieces& pieces) {
  thread_local std::string room;
  for (std::string_view bytes = gather(pieces, room); !bytes.empty();) {
    if (!socket_.is_open()) return IoStatus::closed;
    std::size_t size = 0;
    const TlsNeed need = tls_->write(bytes, size);
    switch (need) {
      case TlsNeed::nothing:
        advance(pieces, size);
        bytes = gather(pieces, room);
        break;
      case TlsNeed::readable:
      case TlsNeed::writable:
        write_needs_ = need;
        return std::nullopt;
      case TlsNeed::closed:
      case TlsNeed::failed:
        return IoStatus::failed;
    }
  }
  return IoStatus::ok;
}

void Stream::close() {
  error_code ignored;
  if (!socket_.is_open()) return;
  if (tls_) tls_->shutdown_write();
  socket_.close(ignored);
}

void Stream::reset() {
  error_code ignored;
  if (!socket_.is_open()) return;
  const linger abort{1, 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  socket_.close(ignored);
}

void Stream::shutdown_write() {
  error_code ignored;
  if (!socket_.is_open()) return;
  if (tls_) tls_->shutdown_write();
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::interrupt() {
  error_code ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

bool Stream::has_peer_left() {
  if (!socket_.is_open()) return true;
  pollfd asked{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0;
}

}  // namespace larder::session
