// Connection: one client. Finds out who it is, then reads a head, runs its exchange, and again, in
// the order they came.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/intrusive/list.hpp>

#include "http/request_head.hpp"
#include "http/section_memory.hpp"
#include "session/exchange.hpp"
#include "session/limits.hpp"
#include "session/routing.hpp"
#include "session/stream.hpp"
#include "session/worker.hpp"

namespace larder::session {

/// How a client has come in.
struct Arrival {
  asio::ip::address address;  ///< of the other end; meaningless for a Unix socket
  bool is_unix = false;
  bool tls = false;  ///< it is to speak TLS
};

class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(Worker& worker, Socket socket, const Arrival& arrival);
  ~Connection();

  /// Ends by itself; nothing else is waited for by whoever destroys it.
  [[nodiscard]] awaitable<void> run();
  /// From a draining listener: waiting for a next request is over soon, one in hand is answered.
  void drain();
  /// Is what runs now a tunnel or an event stream?
  [[nodiscard]] bool is_endless() const { return endless_; }
  /// Ends such a stream; nothing happens to anything else.
  void end_stream();
  /// From a listener that has drained long enough.
  void abort();

 private:
  enum class HeadRead : std::uint8_t { need_more, complete, refused, too_slow, ended };

  /// PROXY header, limits, TLS. False: the connection is to be closed.
  [[nodiscard]] awaitable<bool> enter();
  /// Learns from a PROXY header who the client is. False: there is none, or of no use.
  [[nodiscard]] awaitable<bool> read_proxy_header(SteadyClock::time_point give_up);
  [[nodiscard]] awaitable<bool> start_tls(SteadyClock::time_point give_up);
  void identify(const asio::ip::address& address);

  [[nodiscard]] awaitable<void> serve();
  /// Parses the head of the next request, when all of it has come.
  [[nodiscard]] HeadRead take_head();
  /// Where the next bytes of a head go.
  [[nodiscard]] std::span<char> room();
  /// How long to wait for them.
  [[nodiscard]] milliseconds patience();
  /// Waits for the first bytes of a head without keeping room for them.
  [[nodiscard]] awaitable<ReadResult> doze(milliseconds patience);
  [[nodiscard]] awaitable<void> refuse_head(HeadRead head);
  [[nodiscard]] awaitable<void> answer_for_server();
  /// For the request that has been read.
  [[nodiscard]] Client client();
  [[nodiscard]] std::string_view after_head() const {
    return {buffer_.data() + head_.size, filled_ - head_.size};
  }
  /// `more`: further lines of the head, each ended.
  [[nodiscard]] awaitable<void> refuse(std::uint16_t status, std::string_view detail,
                                       std::string_view more = {});
  [[nodiscard]] awaitable<void> linger();
  void consume(std::string_view surplus);

  Worker& worker_;
  Stream stream_;
  const Arrival arrival_;
  asio::ip::address address_;
  std::string peer_;  ///< address; empty: a Unix socket
  bool trusted_ = false;
  AddressCounts::Held place_;
  http::HeadLimits limits_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  http::HeadScanner scanner_;
  http::RequestHead head_;
  http::SectionMemory section_;  ///< of the head
  http::HeadError refused_ = http::HeadError::none;
  SteadyClock::time_point give_up_{};  ///< for a head that has begun
  bool idle_ = false;
  bool endless_ = false;
  unsigned served_ = 0;    ///< requests
  unsigned in_a_row_ = 0;  ///< requests served without having waited for the client
  Scratch scratch_;
  Routing routing_;
};

}  // namespace larder::session
