#include "http/bytes.hpp"

#include <string>

#include <doctest/doctest.h>

namespace larder::http {
namespace {

struct Dot {
  static auto of(Bytes bytes) { return bytes == '.'; }
};

// Sizes around eight, sixteen and thirty-two, where bytes are loaded in another way.
constexpr std::size_t longest = 50;

TEST_CASE("has_none: a byte of the class is found wherever it stands") {
  for (std::size_t size = 0; size <= longest; ++size) {
    CAPTURE(size);
    CHECK(has_none<Dot>(std::string(size, 'a')));
    for (std::size_t at = 0; at < size; ++at) {
      CAPTURE(at);
      std::string text(size, 'a');
      text[at] = '.';
      CHECK_FALSE(has_none<Dot>(text));
    }
  }
}

TEST_CASE("has_none: what stands around the text is not looked at") {
  for (std::size_t size = 0; size <= longest; ++size) {
    CAPTURE(size);
    const std::string around = "." + std::string(size, 'a') + ".";
    CHECK(has_none<Dot>(std::string_view(around).substr(1, size)));
  }
}

TEST_CASE("copy_text: all of a text, and nothing beside it") {
  for (std::size_t size = 0; size <= longest; ++size) {
    CAPTURE(size);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('0' + i);
    std::string copy(size + 2, '?');
    copy_text(copy.data() + 1, text.data(), size);
    CHECK(copy == "?" + text + "?");
  }
}

TEST_CASE("are_none_marked: of two texts what stands at the same place is loaded together") {
  for (std::size_t size = 1; size <= longest; ++size) {
    CAPTURE(size);
    const std::string ones(size, '1');
    for (std::size_t at = 0; at < size; ++at) {
      CAPTURE(at);
      std::string zeros(size, '0');
      const auto is_equal = [&](const auto& load) {
        return load(ones.data()) == load(zeros.data());
      };
      CHECK(are_none_marked(size, is_equal));
      zeros[at] = '1';
      CHECK_FALSE(are_none_marked(size, is_equal));
    }
  }
}

}  // namespace
}  // namespace larder::http
