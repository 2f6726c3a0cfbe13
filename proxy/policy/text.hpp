// Text: characters that nobody changes any more, in few bytes: of a stored response there may be
// millions.
//
// They are its own, or lie in a block whose owner outlives it (MemoryStore puts all of a response
// into one). A copy's characters are its own in any case.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::policy {

class Text {
 public:
  Text() = default;
  /// A copy; not above 2 GiB.
  template <std::convertible_to<std::string_view> Other>
  Text(const Other& other) {  // NOLINT(google-explicit-constructor): it is text as well
    const std::string_view text = other;
    if (text.empty()) return;
    if (text.size() > most) throw std::bad_array_new_length();
    char* const copy = new char[text.size()];
    std::copy(text.begin(), text.end(), copy);
    set(copy, text.size(), own);
  }
  Text(const Text& other) : Text(other.view()) {}
  Text(Text&& other) noexcept
      : pointer_(std::exchange(other.pointer_, {})), size_(std::exchange(other.size_, 0)) {}
  Text& operator=(Text other) noexcept {
    std::swap(pointer_, other.pointer_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Text() {
    if ((size_ & own) != 0) delete[] data();
  }

  /// Of characters that outlive it.
  [[nodiscard]] static Text within(std::string_view lasting) {
    Text text;
    text.set(lasting.data(), lasting.size(), 0);
    return text;
  }

  [[nodiscard]] const char* data() const { return std::bit_cast<const char*>(pointer_); }
  [[nodiscard]] std::size_t size() const { return size_ & most; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::string_view view() const { return {data(), size()}; }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)

  bool operator==(std::string_view other) const { return view() == other; }
  template <std::same_as<Text> Other>
  bool operator==(const Other& other) const {
    return view() == other.view();
  }

 private:
  static constexpr std::uint32_t own = std::uint32_t{1} << 31;
  static constexpr std::uint32_t most = own - 1;

  void set(const char* data, std::size_t size, std::uint32_t flag) {
    pointer_ = std::bit_cast<Pointer>(data);
    size_ = static_cast<std::uint32_t>(size) | flag;
  }

  // In halves, so that a text takes 12 bytes and not 16.
  using Pointer = std::array<std::uint32_t, sizeof(const char*) / sizeof(std::uint32_t)>;
  Pointer pointer_{};
  std::uint32_t size_ = 0;
};

/// Several texts behind one another.
class Texts {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    Iterator() = default;
    explicit Iterator(std::string_view rest) : rest_(rest) {}
    std::string_view operator*() const { return rest_.substr(0, rest_.find('\0')); }
    Iterator& operator++() {
      rest_.remove_prefix(rest_.find('\0') + 1);
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    std::string_view rest_;
  };

  Texts() = default;
  Texts(const std::vector<std::string>& texts)  // NOLINT(google-explicit-constructor)
      : joined_(join(texts)) {}
  Texts(std::initializer_list<std::string> texts) : joined_(join(texts)) {}
  /// As joined() has them: a copy, or what outlives it.
  [[nodiscard]] static Texts of(std::string_view joined) {
    Texts texts;
    texts.joined_ = joined;
    return texts;
  }
  [[nodiscard]] static Texts within(std::string_view lasting) {
    Texts texts;
    texts.joined_ = Text::within(lasting);
    return texts;
  }

  [[nodiscard]] Iterator begin() const { return Iterator(joined_.view()); }
  [[nodiscard]] static Iterator end() { return {}; }
  [[nodiscard]] bool empty() const { return joined_.empty(); }
  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(std::distance(begin(), end()));
  }
  [[nodiscard]] std::vector<std::string> to_vector() const {
    std::vector<std::string> texts;
    for (const std::string_view text : *this) texts.emplace_back(text);
    return texts;
  }
  /// Each with a NUL behind it.
  [[nodiscard]] std::string_view joined() const { return joined_; }

  friend bool operator==(const Texts& a, const Texts& b) { return a.joined_ == b.joined_; }

 private:
  /// None has a NUL in it: they are tokens and tags, which http's grammar keeps free of them.
  template <class List>
  static std::string join(const List& texts) {
    std::string joined;
    for (const std::string& text : texts) joined.append(text).push_back('\0');
    return joined;
  }

  Text joined_;
};

}  // namespace larder::policy
