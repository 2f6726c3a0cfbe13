#include "http/structured_field.hpp"

#include <algorithm>
#include <utility>

#include "http/grammar.hpp"

namespace larder::http::structured {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alpha(char c) {
  return is_lower(grammar::to_lower(c));
}
bool is_digit(char c) {
  return grammar::is(c, grammar::digit);
}
/// SP and VCHAR: what may stand in a String and a Display String.
bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

/// RFC 9651 4.2.7. Padding may be missing, as every parser is asked to allow; where it is there, it
/// is right. Bits that padding leaves over may be set.
std::optional<std::string> decode_base64(std::string_view text) {
  const std::size_t size = std::min(text.find('='), text.size());
  const std::string_view padding = text.substr(size);
  const std::string_view digits = text.substr(0, size);
  if (!padding.empty() && (text.size() % 4 != 0 || (padding != "=" && padding != "=="))) return {};
  if (digits.size() % 4 == 1) return {};
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : digits) {
    const std::size_t value = base64_alphabet.find(c);
    if (value == std::string_view::npos) return {};
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  return bytes;
}

/// RFC 3629 4: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    if (first < 0x80) continue;
    const int following = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) return false;
    for (int i = 0; i < following; ++i, ++at) {
      if (at == text.size()) return false;
      const auto next = static_cast<unsigned char>(text[at]);
      // The second byte is bounded more closely behind some first ones.
      const unsigned low = i != 0 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
      const unsigned high = i != 0 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
      if (next < low || next > high) return false;
    }
  }
  return true;
}

/// Overwrites the value of a name that is there already (RFC 9651 4.2.2, 4.2.3.2). False: there
/// would be more than `most`.
template <typename Entries, typename Value>
bool set(Entries& entries, std::string key, Value value, std::size_t most) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& entry) { return entry.key == key; });
  if (found != entries.end()) {
    found->value = std::move(value);
    return true;
  }
  if (entries.size() == most) return false;
  entries.push_back({std::move(key), std::move(value)});
  return true;
}

/// The algorithms of RFC 9651 4.2, one a function; each gives nothing where they "fail parsing".
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<List> list() {
    List list;
    while (!rest_.empty()) {
      std::optional<Member> member = item_or_inner_list();
      if (!member || list.size() == most_members) return {};
      list.push_back(std::move(*member));
      if (!skip_comma()) return {};
    }
    return list;
  }

  std::optional<Dictionary> dictionary() {
    Dictionary dictionary;
    while (!rest_.empty()) {
      std::optional<std::string> key = this->key();
      if (!key) return {};
      std::optional<Member> member;
      if (take('=')) {
        member = item_or_inner_list();
      } else if (std::optional<Parameters> found = parameters()) {
        member = Item{true, std::move(*found)};
      }
      if (!member || !set(dictionary, std::move(*key), std::move(*member), most_members)) return {};
      if (!skip_comma()) return {};
    }
    return dictionary;
  }

  std::optional<Item> item() {
    std::optional<BareItem> value = bare_item();
    if (!value) return {};
    std::optional<Parameters> found = parameters();
    if (!found) return {};
    return Item{std::move(*value), std::move(*found)};
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  void skip_spaces() {
    while (take(' ')) continue;
  }

 private:
  [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Everything up to and with the next `end`, which is left out of the result.
  std::optional<std::string_view> take_until(char end) {
    const std::size_t size = rest_.find(end);
    if (size == std::string_view::npos) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return taken;
  }
  template <typename Belongs>
  std::string_view take_while(Belongs belongs) {
    std::size_t size = 0;
    while (size < rest_.size() && belongs(rest_[size])) ++size;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  void skip_whitespace() {
    (void)take_while([](char c) { return grammar::is_whitespace(c); });
  }

  /// What stands between two members. False: something else, or a comma with nothing behind it.
  bool skip_comma() {
    skip_whitespace();
    if (rest_.empty()) return true;
    if (!take(',')) return false;
    skip_whitespace();
    return !rest_.empty();
  }

  std::optional<Member> item_or_inner_list() {
    if (front() == '(') {
      std::optional<InnerList> inner = inner_list();
      if (!inner) return {};
      return Member(std::move(*inner));
    }
    std::optional<Item> found = item();
    if (!found) return {};
    return Member(std::move(*found));
  }

  std::optional<InnerList> inner_list() {
    InnerList list;
    (void)take('(');
    while (!rest_.empty()) {
      skip_spaces();
      if (take(')')) {
        std::optional<Parameters> found = parameters();
        if (!found) return {};
        list.parameters = std::move(*found);
        return list;
      }
      std::optional<Item> found = item();
      if (!found || list.items.size() == most_inner_items) return {};
      list.items.push_back(std::move(*found));
      if (front() != ' ' && front() != ')') return {};
    }
    return {};
  }

  std::optional<Parameters> parameters() {
    Parameters parameters;
    while (take(';')) {
      skip_spaces();
      std::optional<std::string> key = this->key();
      if (!key) return {};
      std::optional<BareItem> value = BareItem(true);
      if (take('=')) value = bare_item();
      if (!value || !set(parameters, std::move(*key), std::move(*value), most_parameters))
        return {};
    }
    return parameters;
  }

  std::optional<std::string> key() {
    if (!is_lower(front()) && front() != '*') return {};
    return std::string(take_while([](char c) {
      return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
    }));
  }

  std::optional<BareItem> bare_item() {
    const char c = front();
    if (c == '-' || is_digit(c)) return number();
    if (take('"')) return string();
    if (take(':')) return byte_sequence();
    if (take('?')) return boolean();
    if (take('@')) return date();
    if (take('%')) return display_string();
    if (c == '*' || is_alpha(c)) return token();
    return {};
  }

  std::optional<BareItem> number() {
    const std::int64_t sign = take('-') ? -1 : 1;
    const std::string_view whole = take_while(is_digit);
    if (whole.empty()) return {};
    std::int64_t value = 0;
    const auto read = [&](std::string_view digits) {
      for (const char digit : digits) value = value * 10 + (digit - '0');
    };
    if (!take('.')) {
      if (whole.size() > 15) return {};
      read(whole);
      return BareItem(sign * value);
    }
    const std::string_view fraction = take_while(is_digit);
    if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return {};
    read(whole);
    read(fraction);
    read(std::string_view("000").substr(fraction.size()));
    return Decimal{sign * value};
  }

  std::optional<BareItem> string() {
    std::string text;
    while (!rest_.empty()) {
      if (take('"')) return BareItem(std::move(text));
      if (take('\\') && front() != '"' && front() != '\\') return {};
      if (!is_printable(front())) return {};
      text.push_back(front());
      rest_.remove_prefix(1);
    }
    return {};
  }

  std::optional<BareItem> token() {
    return Token{std::string(
        take_while([](char c) { return grammar::is(c, grammar::token) || c == ':' || c == '/'; }))};
  }

  std::optional<BareItem> byte_sequence() {
    const std::optional<std::string_view> text = take_until(':');
    if (!text) return {};
    std::optional<std::string> bytes = decode_base64(*text);
    if (!bytes) return {};
    return ByteSequence{std::move(*bytes)};
  }

  std::optional<BareItem> boolean() {
    if (take('1')) return BareItem(true);
    if (take('0')) return BareItem(false);
    return {};
  }

  std::optional<BareItem> date() {
    const std::optional<BareItem> value = number();
    const std::int64_t* const seconds = value ? std::get_if<std::int64_t>(&*value) : nullptr;
    if (!seconds) return {};
    return Date{*seconds};
  }

  std::optional<BareItem> display_string() {
    if (!take('"')) return {};
    const std::optional<std::string_view> text = take_until('"');
    if (!text) return {};
    const auto is_lower_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    std::string bytes;
    for (std::size_t at = 0; at < text->size(); ++at) {
      const char c = (*text)[at];
      if (!is_printable(c)) return {};
      if (c != '%') {
        bytes.push_back(c);
        continue;
      }
      if (text->size() - at < 3 || !is_lower_hex((*text)[at + 1]) || !is_lower_hex((*text)[at + 2]))
        return {};
      bytes.push_back(static_cast<char>(grammar::hex_value((*text)[at + 1]) << 4 |
                                        grammar::hex_value((*text)[at + 2])));
      at += 2;
    }
    if (!is_utf8(bytes)) return {};
    return DisplayString{std::move(bytes)};
  }

  std::string_view rest_;
};

/// RFC 9651 4.2: spaces around the value do not count, and nothing may be left behind it.
template <typename Result>
std::optional<Result> parse(std::string_view text, std::optional<Result> (Parser::*read)()) {
  if (text.size() > most_bytes) return {};
  Parser parser(text);
  parser.skip_spaces();
  std::optional<Result> result = (parser.*read)();
  parser.skip_spaces();
  if (!parser.at_end()) return {};
  return result;
}

}  // namespace

std::optional<List> parse_list(std::string_view text) {
  return parse(text, &Parser::list);
}

std::optional<Dictionary> parse_dictionary(std::string_view text) {
  return parse(text, &Parser::dictionary);
}

std::optional<Item> parse_item(std::string_view text) {
  return parse(text, &Parser::item);
}

}  // namespace larder::http::structured
