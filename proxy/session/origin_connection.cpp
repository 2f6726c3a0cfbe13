#include "session/origin_connection.hpp"

#include <algorithm>

namespace larder::session {

namespace {
constexpr std::size_t first_buffer = 8 * 1024;
}

void OriginConnection::begin_head() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
  filled_ -= consumed_;
  consumed_ = 0;
  scanner_.reset();
}

std::optional<FetchFailure> OriginConnection::take_head(http::Method method,
                                                        const http::HeadLimits& limits) {
  const http::HeadScanner::State state = scanner_.scan({buffer_.data(), filled_}, limits);
  if (state == http::HeadScanner::State::refused) return FetchFailure::malformed_head;
  if (state != http::HeadScanner::State::complete) return std::nullopt;
  consumed_ = scanner_.end();
  const http::HeadError error =
      http::parse_response_head({buffer_.data(), consumed_}, limits, method, head);
  return error == http::HeadError::none ? FetchFailure::none : FetchFailure::malformed_head;
}

std::span<char> OriginConnection::room() {
  if (filled_ == buffer_.size()) buffer_.resize(std::max(first_buffer, buffer_.size() * 2));
  return {buffer_.data() + filled_, buffer_.size() - filled_};
}

FetchFailure OriginConnection::note_read(const ReadResult& read) {
  if (read.status == IoStatus::timed_out) return FetchFailure::first_byte_timed_out;
  if (read.status != IoStatus::ok)
    return filled_ > 0 ? FetchFailure::content_cut_off : FetchFailure::closed_before_answer;
  // Stream::ask does not see of bytes that begin with NUL that they were there before.
  const bool is_no_answer = read.is_unasked || (filled_ == 0 && buffer_.front() == '\0');
  if (is_no_answer && was_used) return FetchFailure::closed_before_answer;
  got_bytes = true;
  filled_ += read.size;
  return FetchFailure::none;
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
  scanner_.reset();
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
