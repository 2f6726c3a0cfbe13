#include "http/chunked.hpp"

#include <algorithm>

#include "http/field_section.hpp"
#include "http/grammar.hpp"

namespace larder::http {
namespace {

constexpr unsigned most_size_digits = 16;
// A larger chunk would turn negative in a signed count somewhere behind us.
constexpr std::uint64_t largest_chunk = 0x7fff'ffff'ffff'ffff;

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  std::size_t at = 0;
  while (state_ != State::end && state_ != State::refused) {
    if (at == input.size()) return {Kind::need_more, at, {}, {}};
    if (state_ == State::data) {
      const std::string_view data = input.substr(
          at, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - at)));
      remaining_ -= data.size();
      if (remaining_ == 0) state_ = State::data_return;
      return {Kind::data, at + data.size(), data, {}};
    }
    if (take(input[at])) ++at;
  }
  if (state_ == State::refused) return {Kind::refused, at, {}, reason_};
  // take() has used the last byte of the message, unless it had ended before this call.
  return {Kind::end, at, {}, {}};
}

bool ChunkedDecoder::refuse(std::string_view reason) {
  state_ = State::refused;
  reason_ = reason;
  return false;
}

bool ChunkedDecoder::take(char byte) {
  switch (state_) {
    case State::size_start:
    case State::size:
      if (grammar::is(byte, grammar::hex_digit)) {
        if (++size_digits_ > most_size_digits) return refuse("a chunk size has too many digits");
        remaining_ = remaining_ << 4 | grammar::hex_value(byte);
        if (remaining_ > largest_chunk) return refuse("a chunk size is too large");
        state_ = State::size;
        return true;
      }
      if (state_ == State::size_start) return refuse("a chunk has no size");
      if (byte == '\r') {
        state_ = State::size_line_feed;
      } else if (byte == ';') {
        state_ = State::extension;
        if (++extension_bytes_ > limits_.extension_bytes)
          return refuse("chunk extensions are larger than allowed");
      } else {
        return refuse("a chunk size is not followed by CRLF or an extension");
      }
      return true;
    case State::extension:
      if (byte == '\r') {
        state_ = State::size_line_feed;
        return true;
      }
      if (!grammar::is(byte, grammar::value_byte))
        return refuse("a chunk extension contains a control character");
      if (++extension_bytes_ > limits_.extension_bytes)
        return refuse("chunk extensions are larger than allowed");
      return true;
    case State::size_line_feed:
      if (byte != '\n') return refuse("a chunk size does not end in CRLF");
      state_ = remaining_ == 0 ? State::trailer_start : State::data;
      size_digits_ = 0;
      return true;
    case State::data_return:
      if (byte != '\r') return refuse("a chunk's size and its data differ");
      state_ = State::data_line_feed;
      return true;
    case State::data_line_feed:
      if (byte != '\n') return refuse("a chunk does not end in CRLF");
      state_ = State::size_start;
      return true;
    case State::trailer_start:
      if (byte == '\r') {
        state_ = State::end_line_feed;
        return true;
      }
      trailer_line_start_ = trailers_.size();
      state_ = State::trailer_line;
      return add_to_trailers(byte);
    case State::trailer_line:
      if (byte == '\r') state_ = State::trailer_line_feed;
      return add_to_trailers(byte);
    case State::trailer_line_feed:
      if (byte != '\n') return refuse("a trailer line contains a bare carriage return");
      return add_to_trailers(byte) && end_trailer_line();
    case State::end_line_feed:
      if (byte != '\n') return refuse("the trailer section does not end in CRLF");
      state_ = State::end;
      return true;
    case State::data:
    case State::end:
    case State::refused:
      break;  // next() does not ask here
  }
  return false;
}

bool ChunkedDecoder::add_to_trailers(char byte) {
  if (trailers_.size() == limits_.trailer_bytes)
    return refuse("the trailer section is larger than allowed");
  if (byte == '\0' || (byte == '\n' && state_ == State::trailer_line))
    return refuse("a trailer line contains NUL or a bare line feed");
  trailers_.push_back(byte);
  return true;
}

bool ChunkedDecoder::end_trailer_line() {
  std::string_view line = std::string_view(trailers_).substr(trailer_line_start_);
  line.remove_suffix(2);
  if (const HeadError error = check_field_line(line); error != HeadError::none)
    return refuse(describe(error));
  if (++trailer_fields_ > limits_.trailer_fields)
    return refuse("there are more trailer lines than allowed");
  state_ = State::trailer_start;
  return true;
}

std::string_view format_chunk_size(std::uint64_t size, char (&room)[20]) {
  char* at = room + sizeof room;
  *--at = '\n';
  *--at = '\r';
  do {
    *--at = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size != 0);
  return {at, static_cast<std::size_t>(room + sizeof room - at)};
}

}  // namespace larder::http
