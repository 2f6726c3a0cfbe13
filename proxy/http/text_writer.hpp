// Text writer: many small pieces behind a text. An append of std::string is a call, however small
// the piece, and a key, a log line or a field has a dozen: this looks whether there is room, and
// copies (a third of the instructions, tests/bench/gates). To be inlined whatever the compiler
// thinks of it: a call for each piece would be what is to be avoided.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "http/bytes.hpp"

namespace larder::http {

class TextWriter {
 public:
  /// `room`: bytes that will usually do; more are taken when they do not. `out` is good to use
  /// again when this is gone.
  TextWriter(std::string& out, std::size_t room) : TextWriter(out, out.size(), room) {}
  /// In the place of what `out` has from `begin` on, whose room is used as it is.
  TextWriter(std::string& out, std::size_t begin, std::size_t room) : out_(out) {
    if (out.size() < begin + room) out.resize(begin + room);
    at_ = out.data() + begin;
    end_ = out.data() + out.size();
  }
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;
  ~TextWriter() { out_.resize(size()); }

  template <std::size_t size>
  [[gnu::always_inline]] void put(const char (&literal)[size]) {
    std::memcpy(need(size - 1), literal, size - 1);
    at_ += size - 1;
  }
  [[gnu::always_inline]] void put(char letter) {
    *need(1) = letter;
    ++at_;
  }
  [[gnu::always_inline]] void put(std::string_view text) {
    copy_text(need(text.size()), text.data(), text.size());
    at_ += text.size();
  }
  void put_number(std::uint64_t number) {
    constexpr std::size_t most_digits = 20;
    char* const from = need(most_digits);
    at_ = std::to_chars(from, from + most_digits, number).ptr;
  }

  /// Of a number below 1000, with zeros in front.
  [[gnu::always_inline]] void put_three_digits(unsigned number) {
    char* const at = need(3);
    at[0] = static_cast<char>('0' + number / 100);
    at[1] = static_cast<char>('0' + number / 10 % 10);
    at[2] = static_cast<char>('0' + number % 10);
    at_ += 3;
  }

  /// Room for so many bytes, to be written by hand; wrote() says where they end.
  [[nodiscard, gnu::always_inline]] char* need(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]]
      grow(bytes);
    return at_;
  }
  void wrote(char* end) { at_ = end; }

 private:
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
  [[gnu::noinline, gnu::cold]] void grow(std::size_t bytes) {
    const std::size_t used = size();
    out_.resize(std::max(2 * out_.size(), used + bytes));
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace larder::http
