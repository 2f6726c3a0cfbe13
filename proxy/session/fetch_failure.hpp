// Fetch failure: every way in which a request to the origin can fail, and what the client hears of
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::session {

enum class FetchFailure : std::uint8_t {
  none,
  name_not_resolved,
  refused,  ///< no address of the origin accepted a connection
  connect_timed_out,
  tls_failed,       ///< no encrypted connection: the certificate was not accepted, or worse
  queue_full,       ///< too many requests wait for the origin already
  queue_timed_out,  ///< no place with the origin became free
  left_queue,       ///< the client ended its side while its request waited
  closed_before_answer,
  first_byte_timed_out,
  malformed_head,
  switched_unasked,  ///< 101 to a request without Upgrade
  interim_flood,
  content_cut_off,
  content_malformed,
  between_bytes_timed_out,
  response_timed_out,
  client_gone,  ///< the client did not finish its request
  client_timed_out,
  client_malformed,
  client_too_large,  ///< more content than `body_limit`
};
/// Lower case with hyphens: "connect-timed-out".
[[nodiscard]] std::string_view format_fetch_failure(FetchFailure failure);
/// Was it the client, not the origin, that did not do its part?
[[nodiscard]] bool is_clients_fault(FetchFailure failure);
/// One sentence without a final stop, for a problem's `detail`.
[[nodiscard]] std::string_view describe(FetchFailure failure);
/// 502 or 504; 503 where the origin was not asked; 400, 408 or 413 where the client's own content
/// was at fault.
[[nodiscard]] std::uint16_t status_for(FetchFailure failure);
/// Did the request certainly never reach the application? Then any method may be tried elsewhere.
[[nodiscard]] bool was_never_sent(FetchFailure failure);
/// Does it speak against the backend that was asked? A slow answer does not: some are.
[[nodiscard]] bool is_backends_fault(FetchFailure failure);

}  // namespace larder::session
