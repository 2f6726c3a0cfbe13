// Connection: one client. Reads a head, runs its exchange, and again, in the order they came.
#pragma once

#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "http/request_head.hpp"
#include "session/exchange.hpp"
#include "session/stream.hpp"
#include "session/worker.hpp"

namespace larder::session {

class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(Worker& worker, Socket socket, std::string peer, bool trusted);
  ~Connection();

  /// Ends by itself; nothing else is waited for by whoever destroys it.
  [[nodiscard]] awaitable<void> run();
  /// From a draining listener: waiting for a next request is over, one in hand is answered.
  void drain();
  /// From a listener that has drained long enough.
  void abort();

 private:
  enum class HeadRead : std::uint8_t { complete, refused, ended };

  [[nodiscard]] awaitable<HeadRead> read_head();
  [[nodiscard]] awaitable<void> refuse(std::uint16_t status, std::string_view detail);
  [[nodiscard]] awaitable<void> linger();
  void consume(std::string_view surplus);

  Worker& worker_;
  Stream stream_;
  const std::string peer_;
  const bool trusted_;
  http::HeadLimits limits_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  http::HeadScanner scanner_;
  http::RequestHead head_;
  http::HeadError refused_ = http::HeadError::none;
  bool timed_out_ = false;
  bool idle_ = false;
  std::string out_;
};

}  // namespace larder::session
