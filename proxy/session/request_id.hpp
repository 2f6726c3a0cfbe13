// Request id: what one request is called in the log, at the origin and at the client
// (X-Request-ID).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/message.hpp"
#include "session/random.hpp"

namespace larder::session {

class RequestId {
 public:
  static constexpr std::size_t longest = 128;

  /// The client's own, where it is one token (RFC 9110 5.6.2) of up to 128 bytes; else made.
  void take_or_make(const http::Fields& fields, Random& random);
  /// 128 random bits.
  void make(Random& random);

  /// Valid as long as this; empty before it was taken or made.
  [[nodiscard]] std::string_view text() const {
    return size_ == 0 ? std::string_view() : line().substr(name.size(), size_ - name.size() - 2);
  }
  /// "X-Request-ID: TEXT\r\n"; empty likewise.
  [[nodiscard]] std::string_view line() const { return {line_.data(), size_}; }
  [[nodiscard]] bool is_the_clients() const { return is_the_clients_; }

 private:
  static constexpr std::string_view name = "X-Request-ID: ";
  void end(std::size_t text_size);

  // Not cleared: what is read of it has been written.
  std::array<char, name.size() + longest + 2> line_;
  std::size_t size_ = 0;
  bool is_the_clients_ = false;
};

}  // namespace larder::session
