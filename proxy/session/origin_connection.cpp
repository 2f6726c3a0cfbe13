#include "session/origin_connection.hpp"

#include <algorithm>

namespace larder::session {

namespace {
constexpr std::size_t first_buffer = 8 * 1024;
}

awaitable<FetchFailure> OriginConnection::read_head(http::Method method,
                                                    const http::HeadLimits& limits,
                                                    const Timeout& timeout) {
  // Forget the interim head before this one; what came behind it stays.
  if (consumed_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= consumed_;
    consumed_ = 0;
  }
  http::HeadScanner scanner;
  while (true) {
    const http::HeadScanner::State state = scanner.scan({buffer_.data(), filled_}, limits);
    if (state == http::HeadScanner::State::refused) co_return FetchFailure::malformed_head;
    if (state == http::HeadScanner::State::complete) break;
    if (filled_ == buffer_.size()) buffer_.resize(std::max(first_buffer, buffer_.size() * 2));
    const ReadResult read =
        co_await stream.read_some({buffer_.data() + filled_, buffer_.size() - filled_}, timeout());
    if (read.status == IoStatus::timed_out) co_return FetchFailure::first_byte_timed_out;
    if (read.status != IoStatus::ok)
      co_return filled_ > 0 ? FetchFailure::content_cut_off : FetchFailure::closed_before_answer;
    got_bytes = true;
    filled_ += read.size;
  }
  consumed_ = scanner.end();
  const http::HeadError error =
      http::parse_response_head({buffer_.data(), consumed_}, limits, method, head);
  co_return error == http::HeadError::none ? FetchFailure::none : FetchFailure::malformed_head;
}

std::string_view OriginConnection::after_head() const {
  return {buffer_.data() + consumed_, filled_ - consumed_};
}

void OriginConnection::begin_anew() {
  in_flight.end();
  place.give_back();
  content.reset();
  prefix.clear();
  was_used = true;
  got_bytes = false;
  filled_ = 0;
  consumed_ = 0;
}

http::HeadLimits head_limits(const config::Settings& settings) {
  return {.head_bytes = settings.head_limit,
          .fields = settings.field_limit,
          .target_bytes = settings.target_limit};
}

milliseconds time_until(SteadyClock::time_point give_up) {
  const auto left = std::chrono::ceil<milliseconds>(give_up - SteadyClock::now());
  return std::max(left, milliseconds{1});
}

}  // namespace larder::session
