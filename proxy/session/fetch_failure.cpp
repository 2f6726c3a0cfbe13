#include "session/fetch_failure.hpp"

namespace larder::session {

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
    case FetchFailure::client_gone:
      return "the request was cut off";
    case FetchFailure::client_timed_out:
      return "the request's content did not arrive in time";
    case FetchFailure::client_malformed:
      return "the request's content is not validly chunked";
  }
  return {};
}

std::uint16_t status_for(FetchFailure failure) {
  switch (failure) {
    case FetchFailure::connect_timed_out:
    case FetchFailure::first_byte_timed_out:
    case FetchFailure::between_bytes_timed_out:
      return 504;
    case FetchFailure::client_gone:
    case FetchFailure::client_malformed:
      return 400;
    case FetchFailure::client_timed_out:
      return 408;
    case FetchFailure::none:
    case FetchFailure::name_not_resolved:
    case FetchFailure::refused:
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
  return failure == FetchFailure::name_not_resolved || failure == FetchFailure::refused ||
         failure == FetchFailure::connect_timed_out;
}

}  // namespace larder::session
