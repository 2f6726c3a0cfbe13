#include "store/reply_reader.hpp"

#include <algorithm>
#include <cstring>

#include "store/pipeline.hpp"

namespace larder::store {

namespace {

/// A line that says a number, with its type before it and its end: "$16\r\n".
struct NumberLine {
  std::int64_t number = 0;
  std::size_t size = 0;  ///< zero: the bytes do not begin with a whole one
};

/// As Redis writes numbers: "-0", "007" and "+7" are nobody's.
inline NumberLine parse_number_line(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  const char* at = bytes.data() + 1;
  const bool is_negative = at != end && *at == '-';
  if (is_negative) ++at;
  const char* const digits = at;
  std::int64_t number = 0;  // below zero, where there is one more
  for (; at != end && *at >= '0' && *at <= '9'; ++at)
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_sub_overflow(number, *at - '0', &number))
      return {};
  if (at == digits || (*digits == '0' && (is_negative || at - digits > 1))) return {};
  if (end - at < 2 || at[0] != '\r' || at[1] != '\n') return {};
  if (!is_negative && __builtin_sub_overflow(0, number, &number)) return {};
  return {number, static_cast<std::size_t>(at + 2 - bytes.data())};
}

bool says_number(char type) {
  return type == '$' || type == '*' || type == ':';
}

}  // namespace

ReplyReader::Result ReplyReader::read(Received& received, Pipeline& pipeline) {
  Result result = Result::incomplete;
  while (result == Result::incomplete && !received.bytes.empty()) {
    if (text_left_ > 0)
      result = take_piece(received.bytes, pipeline);
    else
      result =
          line_.empty() ? take_element(received, pipeline) : take_rest_of_line(received, pipeline);
  }
  if (result == Result::complete) pipeline.end_reply();
  return result;
}

inline ReplyReader::Result ReplyReader::take_element(Received& received, Pipeline& pipeline) {
  const char type = received.bytes.front();
  if (!says_number(type)) return take_line(received, pipeline);
  const NumberLine line = parse_number_line(received.bytes);
  if (line.size == 0) return take_line(received, pipeline);
  received.bytes.remove_prefix(line.size);
  if (type == '$') return take_text(line.number, received, pipeline);
  if (type == '*') return begin_array(line.number, pipeline);
  pipeline.append(depth_ == 0, {.number = line.number, .kind = Reply::Kind::integer});
  return end_element();
}

/// A status or an error; of any other line what has come of it, when that is not all.
ReplyReader::Result ReplyReader::take_line(Received& received, Pipeline& pipeline) {
  const char type = received.bytes.front();
  if (type != '+' && type != '-' && !says_number(type)) return Result::refused;
  const std::size_t end = received.bytes.find('\n');
  if (std::min(end, received.bytes.size()) > 1 + line_limit) return Result::refused;
  if (end == std::string_view::npos) {
    line_ = received.bytes;
    received.bytes = {};
    return Result::incomplete;
  }
  const std::string_view line = received.bytes.substr(1, end - 1);
  if (says_number(type) || line.empty() || line.find('\r') != line.size() - 1)
    return Result::refused;
  received.bytes.remove_prefix(end + 1);
  pipeline.append_text(depth_ == 0, type == '+' ? Reply::Kind::status : Reply::Kind::error,
                       line.substr(0, line.size() - 1), received.owner);
  if (type == '-') pipeline.note_error();
  return end_element();
}

ReplyReader::Result ReplyReader::take_rest_of_line(Received& received, Pipeline& pipeline) {
  const std::size_t end = received.bytes.find('\n');
  if (line_.size() + std::min(end, received.bytes.size()) > 1 + line_limit) return Result::refused;
  const std::size_t size = end == std::string_view::npos ? received.bytes.size() : end + 1;
  line_.append(received.bytes.substr(0, size));
  received.bytes.remove_prefix(size);
  if (end == std::string_view::npos) return Result::incomplete;
  const std::shared_ptr<char[]> bytes = std::make_shared_for_overwrite<char[]>(line_.size());
  std::memcpy(bytes.get(), line_.data(), line_.size());
  Received line{{bytes.get(), line_.size()}, bytes};
  line_.clear();
  return take_element(line, pipeline);
}

inline ReplyReader::Result ReplyReader::begin_array(std::int64_t elements, Pipeline& pipeline) {
  if (elements < -1 || elements > limits_.elements - elements_) return Result::refused;
  if (elements == -1) {
    pipeline.append(depth_ == 0, {});
    return end_element();
  }
  if (elements > 0 && depth_ == limits_.depth) return Result::refused;
  pipeline.append(depth_ == 0, {.number = elements, .kind = Reply::Kind::array});
  if (elements == 0) return end_element();
  elements_ += elements;
  elements_left_[depth_++] = elements;
  return Result::incomplete;
}

inline ReplyReader::Result ReplyReader::take_text(std::int64_t size, Received& received,
                                                  Pipeline& pipeline) {
  if (size < -1 || size > bulk_limit - payloads_) return Result::refused;
  if (size == -1) {
    pipeline.append(depth_ == 0, {});
    return end_element();
  }
  payloads_ += size;
  std::string_view& bytes = received.bytes;
  const auto count = static_cast<std::size_t>(size);
  if (bytes.size() < count + 2) {
    pipeline.begin_text(depth_ == 0, count);
    text_left_ = size + 2;
    return Result::incomplete;
  }
  if (bytes[count] != '\r' || bytes[count + 1] != '\n') return Result::refused;
  pipeline.append_text(depth_ == 0, Reply::Kind::text, bytes.substr(0, count), received.owner);
  bytes.remove_prefix(count + 2);
  return end_element();
}

ReplyReader::Result ReplyReader::take_piece(std::string_view& bytes, Pipeline& pipeline) {
  if (text_left_ > 2) {
    const std::string_view piece = bytes.substr(0, static_cast<std::size_t>(text_left_ - 2));
    pipeline.append_piece(piece);
    bytes.remove_prefix(piece.size());
    text_left_ -= static_cast<std::int64_t>(piece.size());
  }
  while (text_left_ <= 2 && !bytes.empty()) {
    if (bytes.front() != (text_left_ == 2 ? '\r' : '\n')) return Result::refused;
    bytes.remove_prefix(1);
    if (--text_left_ == 0) return end_element();
  }
  return Result::incomplete;
}

inline ReplyReader::Result ReplyReader::end_element() {
  while (depth_ > 0 && --elements_left_[depth_ - 1] == 0) --depth_;
  if (depth_ > 0) return Result::incomplete;
  elements_ = payloads_ = 0;
  return Result::complete;
}

}  // namespace larder::store
