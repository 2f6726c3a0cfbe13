// Stored response: the value a cache keeps (RFC 9111 3): head, content, and when it came.
//
// Immutable once made; tiers share one object. The head is kept ready to send, so that a hit only
// adds what changes from hit to hit (Age and the status fields).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::policy {

using SystemSeconds = std::chrono::sys_seconds;
using std::chrono::seconds;

/// Bytes that several owners read and nobody changes any more.
struct SharedBytes {
  std::shared_ptr<const char[]> data;
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {data.get(), size}; }
  [[nodiscard]] static SharedBytes copy_of(std::string_view text);
};

struct StoredResponse {
  std::uint16_t status = 200;
  /// End-to-end field lines as received, each with its CRLF, without those a hit writes anew: Age,
  /// Content-Length, Cache-Status, X-Cache-Status. Date is there (added when the origin sent none).
  std::string head;
  SharedBytes content;
  SystemSeconds response_time{};  ///< when the origin's answer arrived, by this machine's clock
  seconds initial_age{0};         ///< corrected_initial_age (RFC 9111 4.2.3)
  std::vector<std::string> vary;  ///< names of its Vary, lower case, sorted, without repeats
  std::vector<std::string> tags;  ///< that the response itself names, beyond those of its resource
};

using StoredResponsePointer = std::shared_ptr<const StoredResponse>;

}  // namespace larder::policy
