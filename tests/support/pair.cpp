#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "support/run.hpp"

namespace larder::test {

Pair::Pair(asio::io_context& io, session::Deadlines& deadlines) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const asio::generic::stream_protocol protocol{asio::local::stream_protocol()};
  stream_.emplace(session::Socket(io.get_executor(), protocol, ends[0]), deadlines);
  peer_.emplace(io.get_executor(), protocol, ends[1]);
}

void Pair::send(std::string_view bytes) {
  REQUIRE(::send(peer_->native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

void Pair::close() {
  peer_->close();
}

std::string Pair::received() {
  std::string all;
  char room[4096];
  for (ssize_t size = 0;
       (size = ::recv(peer_->native_handle(), room, sizeof room, MSG_DONTWAIT)) > 0;)
    all.append(room, static_cast<std::size_t>(size));
  return all;
}

}  // namespace larder::test
