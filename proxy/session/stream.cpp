#include "session/stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>

namespace larder::session {

namespace {
constexpr auto as_result = asio::as_tuple(use_awaitable);

IoStatus status_of(const error_code& error, bool expired) {
  if (!error) return IoStatus::ok;
  if (error == asio::error::operation_aborted)
    return expired ? IoStatus::timed_out : IoStatus::failed;
  return error == asio::error::eof ? IoStatus::closed : IoStatus::failed;
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

awaitable<ReadResult> Stream::read_some(std::span<char> room, milliseconds timeout) {
  if (!socket_.is_open()) co_return ReadResult{IoStatus::closed};
  deadlines_.set(reading_, timeout);
  reading_.is_pending = true;
  const auto [error, size] =
      co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), as_result);
  reading_.is_pending = false;
  const bool expired = reading_.is_expired();
  deadlines_.clear(reading_);
  co_return ReadResult{status_of(error, expired), size};
}

void Stream::set_read_timeout(milliseconds timeout) {
  if (reading_.is_pending) deadlines_.set(reading_, timeout);
}

awaitable<IoStatus> Stream::write(std::string_view bytes, milliseconds timeout) {
  return write({bytes, std::string_view(), std::string_view()}, timeout);
}

awaitable<IoStatus> Stream::write(std::array<std::string_view, 3> pieces, milliseconds timeout) {
  std::size_t first = 0;
  while (first < pieces.size() && pieces[first].empty()) ++first;
  while (first < pieces.size()) {
    if (!socket_.is_open()) co_return IoStatus::closed;
    std::array<iovec, 3> vectors{};
    std::size_t count = 0;
    for (std::size_t i = first; i < pieces.size(); ++i) {
      if (pieces[i].empty()) continue;
      vectors[count].iov_base = const_cast<char*>(pieces[i].data());
      vectors[count].iov_len = pieces[i].size();
      ++count;
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t written =
        ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) co_return IoStatus::failed;
      deadlines_.set(writing_, timeout);
      const auto [error] = co_await socket_.async_wait(Socket::wait_write, as_result);
      const bool expired = writing_.is_expired();
      deadlines_.clear(writing_);
      if (error) co_return status_of(error, expired);
      continue;
    }
    auto left = static_cast<std::size_t>(written);
    while (first < pieces.size() && left >= pieces[first].size()) {
      left -= pieces[first].size();
      ++first;
    }
    if (first < pieces.size()) pieces[first].remove_prefix(left);
  }
  co_return IoStatus::ok;
}

void Stream::close() {
  error_code ignored;
  if (socket_.is_open()) socket_.close(ignored);
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
  if (socket_.is_open()) socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::interrupt() {
  error_code ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

bool Stream::is_readable_now() {
  if (!socket_.is_open()) return true;
  char byte = 0;
  const ssize_t size = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace larder::session
