// ReadRoom: where a read puts what has arrived; one that fills it in part can tell Asio that
// nothing more is there.
//
// Asio tries each read before it waits. Behind a request that came whole that is in vain, and costs
// a system call of the four of a hit (tests/bench/README.md). A stream socket that gave less than
// there was room for is empty, and with edge-triggered epoll whatever comes later is told of
// (epoll(7), questions and answers 9). Only an end (FIN) that came together with the last bytes has
// been told of already.
//
// Asio has no word for this in public: its own operation, which calls a read exhausted only at the
// end, is specialised for this buffer. Should a later Boost not use it, all works as before and the
// system calls that tests/bench/gates counts go up.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/detail/reactive_socket_recv_op.hpp>

#include "store/io.hpp"

namespace larder::session {

/// A MutableBufferSequence of one buffer, for sockets whose state is stream-oriented.
struct ReadRoom {
  using value_type = asio::mutable_buffer;
  using const_iterator = const asio::mutable_buffer*;
  [[nodiscard]] const_iterator begin() const { return &buffer; }
  [[nodiscard]] const_iterator end() const { return &buffer + 1; }

  asio::mutable_buffer buffer;
  /// After a read that did not fill it, the next one waits before it tries.
  bool short_is_all = false;
};

}  // namespace larder::session

template <>
class boost::asio::detail::reactive_socket_recv_op_base<larder::session::ReadRoom>
    : public reactor_op {
 public:
  reactive_socket_recv_op_base(const boost::system::error_code& success, socket_type socket,
                               socket_ops::state_type, const larder::session::ReadRoom& room,
                               socket_base::message_flags flags, func_type complete)
      : reactor_op(success, &reactive_socket_recv_op_base::do_perform, complete),
        socket_(socket),
        room_(room),
        flags_(flags) {}

 private:
  static status do_perform(reactor_op* operation) {
    auto& self = *static_cast<reactive_socket_recv_op_base*>(operation);
    const std::size_t size = self.room_.buffer.size();
    const bool is_stream = true;
    if (!socket_ops::non_blocking_recv1(self.socket_, self.room_.buffer.data(), size, self.flags_,
                                        is_stream, self.ec_, self.bytes_transferred_))
      return not_done;
    const std::size_t taken = self.bytes_transferred_;
    return taken == 0 || (self.room_.short_is_all && taken < size) ? done_and_exhausted : done;
  }

  socket_type socket_;
  larder::session::ReadRoom room_;
  socket_base::message_flags flags_;
};
