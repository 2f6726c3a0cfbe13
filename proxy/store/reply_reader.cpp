#include "store/reply_reader.hpp"

#include "store/pipeline.hpp"

namespace larder::store {

namespace {

/// As Redis writes numbers: "-0", "007" and "+7" are nobody's.
std::optional<std::int64_t> parse_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const std::string_view digits = text.substr(is_negative ? 1 : 0);
  if (digits.empty() || (digits.front() == '0' && text.size() > 1)) return {};
  std::int64_t number = 0;  // below zero, where there is one more
  for (const char character : digits) {
    const int digit = character - '0';
    if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
        __builtin_sub_overflow(number, digit, &number))
      return {};
  }
  if (!is_negative && __builtin_sub_overflow(0, number, &number)) return {};
  return number;
}

bool is_type(char type) {
  return type == '$' || type == '*' || type == ':' || type == '+' || type == '-';
}

}  // namespace

ReplyReader::Result ReplyReader::read(std::string_view& bytes, Pipeline& pipeline) {
  Result result = Result::incomplete;
  while (result == Result::incomplete && !bytes.empty())
    result = text_left_ > 0 ? take_text(bytes, pipeline) : take_line(bytes, pipeline);
  if (result == Result::complete) pipeline.end_reply();
  return result;
}

inline ReplyReader::Result ReplyReader::take_line(std::string_view& bytes, Pipeline& pipeline) {
  if (line_.empty() && !is_type(bytes.front())) return Result::refused;
  const std::size_t end = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, end);
  if (line_.size() + piece.size() > 1 + line_limit) return Result::refused;
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) {
    line_.append(piece);
    return Result::incomplete;
  }
  if (!line_.empty()) line_.append(piece);
  const Result result = begin_element(line_.empty() ? piece : std::string_view(line_), pipeline);
  line_.clear();
  return result;
}

/// `line`: whole, with its type, without LF.
inline ReplyReader::Result ReplyReader::begin_element(std::string_view line, Pipeline& pipeline) {
  if (line.back() != '\r') return Result::refused;
  const char type = line.front();
  line = line.substr(1, line.size() - 2);
  if (type == '+' || type == '-') {
    if (line.find('\r') != std::string_view::npos) return Result::refused;
    pipeline.begin_text(depth_ == 0, type == '+' ? Reply::Kind::status : Reply::Kind::error,
                        line.size());
    pipeline.append_text(line);
    if (type == '-') pipeline.note_error();
    return end_element();
  }
  const std::optional<std::int64_t> number = parse_number(line);
  if (!number) return Result::refused;
  if (type == '$') return begin_text(*number, pipeline);
  if (type == '*') return begin_array(*number, pipeline);
  pipeline.append(depth_ == 0, Reply::Kind::integer, *number);
  return end_element();
}

inline ReplyReader::Result ReplyReader::begin_array(std::int64_t elements, Pipeline& pipeline) {
  if (elements < -1 || elements > limits_.elements - elements_) return Result::refused;
  if (elements == -1) {
    pipeline.append(depth_ == 0, Reply::Kind::nil, 0);
    return end_element();
  }
  if (elements > 0 && depth_ == limits_.depth) return Result::refused;
  pipeline.append(depth_ == 0, Reply::Kind::array, elements);
  if (elements == 0) return end_element();
  elements_ += elements;
  elements_left_[depth_++] = elements;
  return Result::incomplete;
}

inline ReplyReader::Result ReplyReader::begin_text(std::int64_t size, Pipeline& pipeline) {
  if (size < -1 || size > bulk_limit - payloads_) return Result::refused;
  if (size == -1) {
    pipeline.append(depth_ == 0, Reply::Kind::nil, 0);
    return end_element();
  }
  payloads_ += size;
  pipeline.begin_text(depth_ == 0, Reply::Kind::text, static_cast<std::size_t>(size));
  text_left_ = size + 2;
  return Result::incomplete;
}

inline ReplyReader::Result ReplyReader::take_text(std::string_view& bytes, Pipeline& pipeline) {
  if (text_left_ > 2) {
    const std::string_view piece = bytes.substr(0, static_cast<std::size_t>(text_left_ - 2));
    pipeline.append_text(piece);
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
