// Origin connection: one connection to a backend, with the head it read last and its content.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/response_head.hpp"
#include "session/admission.hpp"
#include "session/backends.hpp"
#include "session/body_reader.hpp"
#include "session/connecting.hpp"
#include "session/fetch_failure.hpp"
#include "session/stream.hpp"

namespace larder::session {

class OriginConnection {
 public:
  /// To an address of the backend of that index.
  OriginConnection(Connected connected, std::size_t backend, Deadlines& deadlines)
      : stream(std::move(connected.socket), deadlines),
        address(std::move(connected.address)),
        backend(backend) {}

  /// After an interim one: another head is due. What came behind that one stays.
  void begin_head();
  /// Takes one, interim or final, into `head`. Nothing: more is to be read into room() first.
  [[nodiscard]] std::optional<FetchFailure> take_head(http::Method method,
                                                      const http::HeadLimits& limits);
  [[nodiscard]] std::span<char> room();
  /// What was read into room(). Where a connection was used before, bytes that nobody asked for are
  /// no answer. A new one may be greeted ("503, too many of them").
  [[nodiscard]] FetchFailure note_read(const ReadResult& read);
  /// What follows the head in the buffer.
  [[nodiscard]] std::string_view after_head() const;

  Stream stream;
  http::ResponseHead head;
  const Address address;
  const std::size_t backend;
  bool was_used = false;   ///< carried an exchange before
  bool got_bytes = false;  ///< of the present answer
  SteadyClock::time_point idle_since{};
  // Of the present exchange.
  InFlight in_flight;
  Place place;
  std::optional<BodyReader> content;  ///< once its final head has been read
  std::string prefix;                 ///< of the content, what was read before

  /// Ready for another exchange: nothing of the last one is left.
  void begin_anew();

 private:
  http::HeadScanner scanner_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t consumed_ = 0;  ///< the head last parsed ends here
};
using OriginConnectionPointer = std::unique_ptr<OriginConnection>;

[[nodiscard]] http::HeadLimits head_limits(const config::Settings& settings);

/// What is left until `give_up`, at least 1 ms: zero would be no deadline at all.
[[nodiscard]] milliseconds time_until(SteadyClock::time_point give_up);

}  // namespace larder::session
