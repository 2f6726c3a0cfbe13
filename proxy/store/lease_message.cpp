#include "store/lease_message.hpp"

#include <charconv>

namespace larder::store {

namespace {

constexpr std::size_t holder_digits = 16;

/// Takes the text up to `end` away, and `end` with it; nothing when it does not come.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t size = text.find(end);
  if (size == std::string_view::npos) return {};
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size + 1);
  return taken;
}

/// Digits and nothing else.
std::optional<std::uint32_t> parse_number(std::optional<std::string_view> text) {
  std::uint32_t number = 0;
  if (!text) return {};
  const char* const end = text->data() + text->size();
  const auto [last, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || last != end) return {};
  return number;
}

std::optional<LeaseMessage::Event> parse_event(std::optional<std::string_view> text) {
  using Event = LeaseMessage::Event;
  if (text == "taken") return Event::taken;
  if (text == "renewed") return Event::renewed;
  if (text == "ended") return Event::ended;
  return {};
}

bool is_holder(std::string_view text) {
  return text.size() == holder_digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<LeaseMessage> parse_lease_message(std::string_view text) {
  const std::optional<LeaseMessage::Event> event = parse_event(take_until(text, ' '));
  const std::optional<std::string_view> holder = take_until(text, ' ');
  const std::optional<std::uint32_t> time = parse_number(take_until(text, ' '));
  if (!event || !holder || !is_holder(*holder) || !time) return {};

  LeaseMessage message{*event, std::string(*holder), std::chrono::milliseconds(*time), {}};
  for (bool more = true; more;) {
    const std::optional<std::uint32_t> size = parse_number(take_until(text, ':'));
    if (!size || *size > text.size()) return {};
    message.keys.emplace_back(text.substr(0, *size));
    text.remove_prefix(*size);
    more = !text.empty();
    if (more && text.front() != ' ') return {};
    if (more) text.remove_prefix(1);
  }
  return message;
}

}  // namespace larder::store
