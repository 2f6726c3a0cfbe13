// Answer reader: where one HTTP/1.1 answer ends (RFC 9112 6.3), and nothing else about it. Content
// of a known length is counted and not looked at, so that reading costs the load generator little.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

namespace larder::bench {

class AnswerReader {
 public:
  /// `is_head`: of a request whose answer has no content.
  void begin(bool is_head) {
    head_.clear();
    state_ = State::head;
    left_ = 0;
    is_head_ = is_head;
  }

  /// Bytes that were read from the connection. Nothing may follow the answer.
  void take(std::string_view bytes) {
    if (state_ == State::head) bytes = take_head(bytes);
    while (!bytes.empty() && state_ == State::chunks) bytes = take_chunks(bytes);
    if (bytes.empty()) return;
    if (state_ == State::content && bytes.size() <= left_) {
      take_content(bytes.size());
    } else {
      state_ = State::broken;
    }
  }

  /// Bytes of content that were read elsewhere and dropped.
  void take_content(std::size_t size) {
    left_ -= std::min(size, left_);
    if (left_ == 0) state_ = State::complete;
  }

  /// Bytes that may be dropped unseen.
  [[nodiscard]] std::size_t content_left() const { return state_ == State::content ? left_ : 0; }
  [[nodiscard]] bool has_begun() const { return state_ != State::head || !head_.empty(); }
  [[nodiscard]] bool is_complete() const { return state_ == State::complete; }
  [[nodiscard]] bool is_broken() const { return state_ == State::broken; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& head() const { return head_; }

 private:
  enum class State { head, content, chunks, complete, broken };

  std::string_view take_head(std::string_view bytes) {
    const std::size_t before = head_.size();
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n", before > 3 ? before - 3 : 0);
    if (end == std::string::npos) return {};
    bytes.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    judge_head();
    return bytes;
  }

  void judge_head() {
    status_ = 0;
    if (head_.size() > 12) std::from_chars(head_.data() + 9, head_.data() + 12, status_);
    const char* const length = strcasestr(head_.c_str(), "\r\ncontent-length:");
    state_ = State::broken;
    if (status_ < 200) return;
    if (is_head_ || status_ == 204 || status_ == 304) {
      state_ = State::complete;
    } else if (length != nullptr) {
      left_ = std::strtoull(length + 17, nullptr, 10);
      state_ = left_ > 0 ? State::content : State::complete;
    } else if (strcasestr(head_.c_str(), "\r\ntransfer-encoding: chunked\r\n") != nullptr) {
      chunk_.clear();
      state_ = State::chunks;
    }
  }

  /// A chunk's line is kept in `chunk_` until it is whole, `left_` counts its data and the CRLF
  /// behind.
  std::string_view take_chunks(std::string_view bytes) {
    if (left_ > 0) {
      const std::size_t size = std::min(left_, bytes.size());
      left_ -= size;
      return bytes.substr(size);
    }
    chunk_ += bytes.front();
    bytes.remove_prefix(1);
    if (!chunk_.ends_with("\r\n")) return bytes;
    std::size_t size = 0;
    std::from_chars(chunk_.data(), chunk_.data() + chunk_.size(), size, 16);
    if (size > 0) {
      left_ = size + 2;
    } else if (!chunk_.ends_with("\r\n\r\n")) {
      return bytes;
    } else {
      state_ = State::complete;
    }
    chunk_.clear();
    return bytes;
  }

  std::string head_;
  std::string chunk_;
  std::size_t left_ = 0;
  State state_ = State::head;
  int status_ = 0;
  bool is_head_ = false;
};

}  // namespace larder::bench
