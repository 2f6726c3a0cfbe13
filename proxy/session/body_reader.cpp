#include "session/body_reader.hpp"

#include <algorithm>
#include <cstring>

namespace larder::session {

using Framing = http::BodyFraming::Kind;

BodyReader::BodyReader(Stream& stream, std::string_view already_read, http::BodyFraming framing,
                       milliseconds timeout)
    : stream_(stream),
      unread_(already_read),
      framing_(framing),
      timeout_(timeout),
      left_(framing.length) {
  ended_ =
      framing.kind == Framing::none || (framing.kind == Framing::length && framing.length == 0);
}

// True when `part` is known without reading.
bool BodyReader::take_ready(BodyPart& part) {
  if (!take_decoded(part)) return false;
  taken_ += part.data.size();
  if (limit_ > 0 && taken_ > limit_) part = {BodyPart::Kind::too_large, {}};
  return true;
}

bool BodyReader::take_decoded(BodyPart& part) {
  if (ended_) {
    part = {BodyPart::Kind::end, {}};
    return true;
  }
  switch (framing_.kind) {
    case Framing::none:
      break;
    case Framing::length: {
      if (unread_.empty()) return false;
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, unread_.size()));
      part = {BodyPart::Kind::data, unread_.substr(0, size)};
      unread_.remove_prefix(size);
      left_ -= size;
      ended_ = left_ == 0;
      return true;
    }
    case Framing::until_close: {
      if (unread_.empty()) return false;
      part = {BodyPart::Kind::data, unread_};
      unread_ = {};
      return true;
    }
    case Framing::chunked: {
      while (true) {
        const http::ChunkedDecoder::Step step = chunked_.next(unread_);
        unread_.remove_prefix(step.consumed);
        switch (step.kind) {
          case http::ChunkedDecoder::Kind::need_more:
            return false;
          case http::ChunkedDecoder::Kind::refused:
            part = {BodyPart::Kind::malformed, {}};
            return true;
          case http::ChunkedDecoder::Kind::end:
            ended_ = true;
            part = {BodyPart::Kind::end, {}};
            return true;
          case http::ChunkedDecoder::Kind::data:
            if (step.data.empty()) continue;
            part = {BodyPart::Kind::data, step.data};
            return true;
        }
      }
    }
  }
  return false;
}

BodyPart BodyReader::next_ready() {
  BodyPart part{BodyPart::Kind::data, {}};
  if (!take_ready(part)) return {BodyPart::Kind::data, {}};
  return part;
}

milliseconds BodyReader::patience() const {
  if (give_up_ == SteadyClock::time_point::max()) return timeout_;
  const auto left = std::chrono::ceil<milliseconds>(give_up_ - SteadyClock::now());
  const milliseconds most = std::max(left, milliseconds{1});
  return timeout_.count() == 0 ? most : std::min(timeout_, most);
}

awaitable<BodyPart> BodyReader::next() {
  BodyPart part;
  while (!take_ready(part)) {
    // Also for a peer that always has something ready.
    if (SteadyClock::now() >= give_up_) co_return BodyPart{BodyPart::Kind::out_of_time, {}};
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    // Only an unfinished chunk head or trailer can be left over here; it is short.
    const std::size_t kept = unread_.size();
    if (kept >= buffer_size) co_return BodyPart{BodyPart::Kind::malformed, {}};
    if (kept > 0) std::memmove(buffer_.get(), unread_.data(), kept);
    std::size_t room = buffer_size - kept;
    // Never beyond the end of a counted body: what follows belongs to the next message.
    if (framing_.kind == Framing::length)
      room = static_cast<std::size_t>(std::min<std::uint64_t>(room, left_));
    const std::optional<milliseconds> left = pace_.patience(patience());
    if (!left) co_return BodyPart{BodyPart::Kind::timed_out, {}};
    const SteadyClock::time_point began = SteadyClock::now();
    const ReadResult read = co_await stream_.read_some({buffer_.get() + kept, room}, *left);
    pace_.note(read.size, SteadyClock::now() - began);
    switch (read.status) {
      case IoStatus::ok:
        break;
      case IoStatus::timed_out:
        co_return BodyPart{SteadyClock::now() >= give_up_ ? BodyPart::Kind::out_of_time
                                                          : BodyPart::Kind::timed_out,
                           {}};
      case IoStatus::closed:
        if (framing_.kind == Framing::until_close && !ended_) {
          ended_ = true;
          co_return BodyPart{BodyPart::Kind::end, {}};
        }
        co_return BodyPart{BodyPart::Kind::cut_off, {}};
      case IoStatus::failed:
        co_return BodyPart{BodyPart::Kind::cut_off, {}};
    }
    unread_ = {buffer_.get(), kept + read.size};
  }
  co_return part;
}

}  // namespace larder::session
