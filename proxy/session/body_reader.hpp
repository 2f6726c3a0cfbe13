// Body reader: the content of one message as it arrives, whatever delimits it (RFC 9112 6, 7).
//
// Bounded memory: one buffer, read again only when the part before has been used. Knows of no
// message but its own: bytes behind the end are the caller's to judge.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/chunked.hpp"
#include "http/message.hpp"
#include "session/stream.hpp"

namespace larder::session {

struct BodyPart {
  enum class Kind : std::uint8_t {
    data,
    end,
    cut_off,      ///< the peer closed before the end
    malformed,    ///< the chunked coding was broken
    too_large,    ///< more than the limit that was set
    timed_out,    ///< or too slow
    out_of_time,  ///< the message as a whole took too long
  };
  Kind kind = Kind::end;
  std::string_view data;  ///< valid until the next call
};

class BodyReader {
 public:
  /// `already_read` follows the head in the caller's buffer and must stay there until it is used
  /// up.
  BodyReader(Stream& stream, std::string_view already_read, http::BodyFraming framing,
             milliseconds timeout);

  /// Bytes of content at most; zero: no limit. Before the first part is asked for.
  void set_limit(std::uint64_t limit) { limit_ = limit; }
  /// For a peer that is to send at least so fast. By default none is.
  void set_pace(Pace pace) { pace_ = pace; }
  /// All of it has to have come by then.
  void end_by(SteadyClock::time_point give_up) { give_up_ = give_up; }

  [[nodiscard]] awaitable<BodyPart> next();
  /// What has been read already, without waiting: empty when the next part needs a read.
  [[nodiscard]] BodyPart next_ready();
  [[nodiscard]] bool is_at_end() const { return ended_; }
  /// Bytes read beyond the end of this message. Valid while this reader and `already_read` live.
  [[nodiscard]] std::string_view surplus() const { return unread_; }
  /// Trailer section of a chunked message, validated; empty when none.
  [[nodiscard]] const std::string& trailers() const { return chunked_.trailers(); }
  [[nodiscard]] const http::BodyFraming& framing() const { return framing_; }

 private:
  [[nodiscard]] bool take_ready(BodyPart& part);
  [[nodiscard]] bool take_decoded(BodyPart& part);
  /// For the next read; zero: none.
  [[nodiscard]] milliseconds patience() const;

  static constexpr std::size_t buffer_size = 64 * 1024;

  Stream& stream_;
  std::string_view unread_;
  http::BodyFraming framing_;
  milliseconds timeout_;
  SteadyClock::time_point give_up_ = SteadyClock::time_point::max();
  std::uint64_t left_ = 0;
  http::ChunkedDecoder chunked_;
  bool ended_ = false;
  std::uint64_t limit_ = 0;
  std::uint64_t taken_ = 0;
  Pace pace_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace larder::session
