#include "session/fetch_failure.hpp"

namespace larder::session {

std::string_view format_fetch_failure(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::none:
      return "none";
    case FetchFailure::name_not_resolved:
      return "name-not-resolved";
    case FetchFailure::refused:
      return "refused";
    case FetchFailure::connect_timed_out:
      return "connect-timed-out";
    case FetchFailure::tls_failed:
      return "tls-failed";
    case FetchFailure::queue_full:
      return "queue-full";
    case FetchFailure::queue_timed_out:
      return "queue-timed-out";
    case FetchFailure::left_queue:
      return "left-queue";
    case FetchFailure::closed_before_answer:
      return "closed-before-answer";
    case FetchFailure::first_byte_timed_out:
      return "first-byte-timed-out";
    case FetchFailure::malformed_head:
      return "malformed-head";
    case FetchFailure::switched_unasked:
      return "switched-unasked";
    case FetchFailure::interim_flood:
      return "interim-flood";
    case FetchFailure::content_cut_off:
      return "content-cut-off";
    case FetchFailure::content_malformed:
      return "content-malformed";
    case FetchFailure::between_bytes_timed_out:
      return "between-bytes-timed-out";
    case FetchFailure::response_timed_out:
      return "response-timed-out";
    case FetchFailure::client_gone:
      return "client-gone";
    case FetchFailure::client_timed_out:
      return "client-timed-out";
    case FetchFailure::client_malformed:
      return "client-malformed";
    case FetchFailure::client_too_large:
      return "client-too-large";
  }
  return {};
}

bool is_clients_fault(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::left_queue:
    case FetchFailure::client_gone:
    case FetchFailure::client_timed_out:
    case FetchFailure::client_malformed:
    case FetchFailure::client_too_large:
      return true;
    default:
      return false;
  }
}

std::string_view describe(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::none:
      return "nothing failed";
    case FetchFailure::name_not_resolved:
      return "the upstream's name could not be resolved";
    case FetchFailure::refused:
      return "the upstream refused the connection";
    case FetchFailure::connect_timed_out:
      return "the upstream did not accept a connection in time";
    case FetchFailure::tls_failed:
      return "no encrypted connection to the upstream could be made";
    case FetchFailure::queue_full:
      return "too many requests wait for the upstream already";
    case FetchFailure::queue_timed_out:
      return "the upstream is busy, and no place became free in time";
    case FetchFailure::left_queue:
      return "the client ended its side while the request waited for the upstream";
    case FetchFailure::closed_before_answer:
      return "the upstream closed the connection before it answered";
    case FetchFailure::first_byte_timed_out:
      return "the upstream did not answer in time";
    case FetchFailure::malformed_head:
      return "the upstream's answer is not valid HTTP";
    case FetchFailure::switched_unasked:
      return "the upstream switched protocols without being asked";
    case FetchFailure::interim_flood:
      return "the upstream sent too many interim responses";
    case FetchFailure::content_cut_off:
      return "the upstream's answer was cut off";
    case FetchFailure::content_malformed:
      return "the upstream's answer is not validly chunked";
    case FetchFailure::between_bytes_timed_out:
      return "the upstream stopped in the middle of its answer";
    case FetchFailure::response_timed_out:
      return "the upstream's answer took too long as a whole";
    case FetchFailure::client_gone:
      return "the request was cut off";
    case FetchFailure::client_timed_out:
      return "the request's content did not arrive in time";
    case FetchFailure::client_malformed:
      return "the request's content is not validly chunked";
    case FetchFailure::client_too_large:
      return "the request's content is larger than may be (body_limit)";
  }
  return {};
}

std::uint16_t status_for(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::connect_timed_out:
    case FetchFailure::first_byte_timed_out:
    case FetchFailure::between_bytes_timed_out:
    case FetchFailure::response_timed_out:
      return 504;
    case FetchFailure::queue_full:
    case FetchFailure::queue_timed_out:
    case FetchFailure::left_queue:
      return 503;
    case FetchFailure::client_gone:
    case FetchFailure::client_malformed:
      return 400;
    case FetchFailure::client_timed_out:
      return 408;
    case FetchFailure::client_too_large:
      return 413;
    case FetchFailure::none:
    case FetchFailure::name_not_resolved:
    case FetchFailure::refused:
    case FetchFailure::tls_failed:
    case FetchFailure::closed_before_answer:
    case FetchFailure::malformed_head:
    case FetchFailure::switched_unasked:
    case FetchFailure::interim_flood:
    case FetchFailure::content_cut_off:
    case FetchFailure::content_malformed:
      return 502;
  }
  return 502;
}

bool was_never_sent(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::name_not_resolved:
    case FetchFailure::refused:
    case FetchFailure::connect_timed_out:
    case FetchFailure::tls_failed:
    case FetchFailure::queue_full:
    case FetchFailure::queue_timed_out:
    case FetchFailure::left_queue:
      return true;
    default:
      return false;
  }
}

bool is_backends_fault(FetchFailure failure) {
  return failure == FetchFailure::closed_before_answer ||
         failure == FetchFailure::content_cut_off || failure == FetchFailure::malformed_head;
}

}  // namespace larder::session
