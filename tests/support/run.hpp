// Run: a coroutine run to its end on an io_context of its own, for tests.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>

#include "session/deadlines.hpp"
#include "session/stream.hpp"
#include "store/io.hpp"

namespace larder::test {

/// Runs `io` until `work` has ended, for at most ten seconds.
template <class T>
T run(asio::io_context& io, awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(work), [&](const std::exception_ptr& thrown, T value) {
    failure = thrown;
    result.emplace(std::move(value));
    io.stop();
  });
  io.restart();
  io.run_for(std::chrono::seconds(10));
  if (failure) std::rethrow_exception(failure);
  REQUIRE_MESSAGE(result.has_value(), "the coroutine did not end in time");
  return std::move(*result);
}

/// Two connected sockets: ours as a Stream, the peer's as a plain one that the test writes to.
class Pair {
 public:
  Pair(asio::io_context& io, session::Deadlines& deadlines);
  [[nodiscard]] session::Stream& stream() { return *stream_; }
  void send(std::string_view bytes);
  /// Ends the peer's side in order.
  void close();
  /// What the peer has received by now.
  [[nodiscard]] std::string received();

 private:
  std::optional<session::Socket> peer_;
  std::optional<session::Stream> stream_;
};

}  // namespace larder::test
