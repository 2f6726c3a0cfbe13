#include "store/reply_guard.hpp"

#include <algorithm>
#include <charconv>

namespace larder::store {

namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace

bool ReplyGuard::accept(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::refused) state_ = take(bytes);
  return state_ != State::refused;
}

ReplyGuard::State ReplyGuard::take(std::string_view& bytes) {
  switch (state_) {
    case State::type:
      type_ = bytes.front();
      bytes.remove_prefix(1);
      return std::string_view("+-:$*").find(type_) == std::string_view::npos ? State::refused
                                                                             : State::line;
    case State::line: {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (line_.size() + piece.size() > line_limit) return State::refused;
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      if (end == std::string_view::npos) {
        line_.append(piece);
        return State::line;
      }
      if (line_.empty()) return take_line(piece);
      line_.append(piece);
      const State next = take_line(line_);
      line_.clear();
      return next;
    }
    case State::payload: {
      const std::size_t taken = std::min<std::uint64_t>(payload_left_, bytes.size());
      bytes.remove_prefix(taken);
      payload_left_ -= taken;
      return payload_left_ == 0 ? State::carriage_return : State::payload;
    }
    case State::carriage_return:
    case State::line_feed: {
      const bool is_return = state_ == State::carriage_return;
      const bool expected = bytes.front() == (is_return ? '\r' : '\n');
      bytes.remove_prefix(1);
      if (!expected) return State::refused;
      return is_return ? State::line_feed : end_element();
    }
    case State::refused:
      break;
  }
  return State::refused;
}

ReplyGuard::State ReplyGuard::take_line(std::string_view line) {
  if (line.empty() || line.back() != '\r') return State::refused;
  line.remove_suffix(1);
  switch (type_) {
    case '*':
      return begin_array(parse_number(line));
    case '$':
      return begin_bulk(parse_number(line));
    case ':':
      return parse_number(line) ? end_element() : State::refused;
    default:
      return line.find('\r') == std::string_view::npos ? end_element() : State::refused;
  }
}

ReplyGuard::State ReplyGuard::begin_array(std::optional<std::int64_t> elements) {
  if (!elements || *elements < -1 || *elements > limits_.elements - elements_)
    return State::refused;
  if (*elements <= 0) return end_element();
  if (depth_ == limits_.depth) return State::refused;
  elements_ += *elements;
  elements_left_[depth_++] = *elements;
  return State::type;
}

ReplyGuard::State ReplyGuard::begin_bulk(std::optional<std::int64_t> size) {
  if (!size || *size < -1 || *size > bulk_limit - payloads_) return State::refused;
  if (*size == -1) return end_element();
  payloads_ += *size;
  payload_left_ = static_cast<std::uint64_t>(*size);
  return payload_left_ == 0 ? State::carriage_return : State::payload;
}

ReplyGuard::State ReplyGuard::end_element() {
  while (depth_ > 0 && --elements_left_[depth_ - 1] == 0) --depth_;
  if (depth_ == 0) elements_ = payloads_ = 0;
  return State::type;
}

}  // namespace larder::store
