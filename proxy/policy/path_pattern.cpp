#include "policy/path_pattern.hpp"

#include <algorithm>
#include <array>
#include <memory_resource>
#include <optional>

#include "policy/nearest.hpp"

namespace larder::policy {
namespace {

constexpr std::size_t converter_limit = 16;
constexpr std::size_t path_converter_limit = 2;

// --- Characters --------------------------------------------------------------

constexpr bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
constexpr bool is_lower_hex(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'f');
}
constexpr bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}
constexpr bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
}
/// What stands in a path as it is: pchar and "/" (RFC 3986 3.3).
bool is_raw(char letter) {
  return is_letter(letter) || is_digit(letter) ||
         std::string_view("-._~!$&'()*+,=:@/").find(letter) != std::string_view::npos;
}

int hex_value(char letter) {
  if (is_digit(letter)) return letter - '0';
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

/// Length of the character at `at` in a normalised path: a percent-encoded UTF-8 sequence is one
/// character for Django, so no converter may end inside it.
std::size_t character_length(std::string_view path, std::size_t at) {
  const auto encoded_byte = [path](std::size_t from) {
    if (from + 2 >= path.size() || path[from] != '%') return -1;
    const int high = hex_value(path[from + 1]);
    const int low = hex_value(path[from + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  };
  const int lead = encoded_byte(at);
  if (lead < 0) return 1;
  std::size_t bytes = 1;
  if (lead >= 0xC2 && lead <= 0xDF) bytes = 2;
  if (lead >= 0xE0 && lead <= 0xEF) bytes = 3;
  if (lead >= 0xF0 && lead <= 0xF4) bytes = 4;
  for (std::size_t index = 1; index < bytes; ++index) {
    const int byte = encoded_byte(at + 3 * index);
    if (byte < 0x80 || byte > 0xBF) return 3;  // not UTF-8: each byte by itself
  }
  return 3 * bytes;
}

/// Bytes of the UTF-8 sequence at the start of `text`; zero when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const auto continues = [&](std::size_t index) {
    return index < text.size() && (byte(index) & 0xC0) == 0x80;
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // longer than needed
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// --- Converters --------------------------------------------------------------

struct NamedConverter {
  std::string_view name;
  Converter converter;
};
constexpr std::array<NamedConverter, 5> converters{{{"int", Converter::integer},
                                                    {"slug", Converter::slug},
                                                    {"uuid", Converter::uuid},
                                                    {"str", Converter::str},
                                                    {"path", Converter::path}}};
constexpr std::size_t uuid_length = 36;

bool accepts(Converter converter, char letter) {
  switch (converter) {
    case Converter::integer:
      return is_digit(letter);
    case Converter::slug:
      return is_letter(letter) || is_digit(letter) || letter == '-' || letter == '_';
    case Converter::uuid:
      return is_lower_hex(letter) || letter == '-';
    case Converter::str:
      return letter != '/';
    case Converter::path:
      return true;
  }
  return false;
}

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_length) return false;
  for (std::size_t index = 0; index < text.size(); ++index) {
    const bool dash = index == 8 || index == 13 || index == 18 || index == 23;
    if (dash ? text[index] != '-' : !is_lower_hex(text[index])) return false;
  }
  return true;
}

/// How far the converter reaches from `at` at most; `at` itself when it does not match there.
std::size_t reach(Converter converter, std::string_view path, std::size_t at) {
  if (converter == Converter::uuid) {
    return is_uuid(path.substr(at, uuid_length)) ? at + uuid_length : at;
  }
  if (converter == Converter::path) return path.size();
  while (at < path.size() && accepts(converter, path[at])) ++at;
  return at;
}

// --- Matching ----------------------------------------------------------------

enum class Extent : std::uint8_t {
  whole,   ///< the pattern is the path
  prefix,  ///< the pattern is the path, or ends where one of the path's segments ends
  below,   ///< the path (without final slash) is where a segment of the pattern ends
};

/// One attempt. First straight on, as nearly every pattern allows: where a converter ends is
/// decided by the "/" behind it. From the first converter on for which it is not, by a table of
/// what can match from where, so that the work is bounded by pieces times length, whatever the
/// path.
class Attempt {
 public:
  Attempt(const std::vector<PatternPiece>& pieces, std::string_view path, Extent extent)
      : pieces_(pieces), path_(path), extent_(extent) {}

  bool run(PathParameters* parameters) {
    std::size_t at = 0;
    for (std::size_t index = 0; index < pieces_.size(); ++index) {
      if (is_above(at)) return true;
      if (is_literal(index)) {
        const std::string_view text = literal(index);
        if (!path_.substr(at).starts_with(text)) return ends_within(text, at);
        at += text.size();
      } else if (is_decided(index)) {
        const std::size_t end = reach(pieces_[index].converter, path_, at);
        if (end == at) return false;
        note(parameters, index, at, end);
        at = end;
      } else {
        return search(index, at, parameters);
      }
    }
    return is_end(at);
  }

 private:
  bool is_literal(std::size_t index) const { return pieces_[index].name.empty(); }

  std::string_view literal(std::size_t index) const {
    std::string_view text = pieces_[index].literal;
    if (extent_ == Extent::prefix && index + 1 == pieces_.size() && text.ends_with('/')) {
      text.remove_suffix(1);
    }
    return text;
  }

  bool is_end(std::size_t at) const {
    return at == path_.size() || (extent_ == Extent::prefix && path_[at] == '/');
  }

  /// The path is used up, and what is left of the pattern lies below it.
  bool is_above(std::size_t at) const { return extent_ == Extent::below && at == path_.size(); }

  bool ends_within(std::string_view text, std::size_t at) const {
    const std::string_view rest = path_.substr(at);
    return extent_ == Extent::below && rest.size() < text.size() && text.starts_with(rest) &&
           text[rest.size()] == '/';
  }

  bool is_decided(std::size_t index) const {
    const Converter converter = pieces_[index].converter;
    if (converter == Converter::uuid) return true;
    if (index + 1 == pieces_.size()) return true;
    if (!is_literal(index + 1)) return false;
    const std::string_view next = literal(index + 1);
    return next.empty() || !accepts(converter, next.front());
  }

  void note(PathParameters* parameters, std::size_t index, std::size_t from, std::size_t to) const {
    if (parameters) parameters->emplace_back(pieces_[index].name, path_.substr(from, to - from));
  }

  /// Bit `n` of `can[at]`: the pieces from `first + n` on match the path from `at` on.
  bool search(std::size_t first, std::size_t from, PathParameters* parameters) {
    static_assert(2 * converter_limit + 2 <= 64);
    const std::size_t count = pieces_.size() - first;
    std::array<std::byte, 8192> stack;
    std::pmr::monotonic_buffer_resource memory(stack.data(), stack.size());
    std::pmr::vector<std::uint64_t> can(path_.size() - from + 1, 0, &memory);
    for (std::size_t at = path_.size() + 1; at-- > from;) {
      std::uint64_t& here = can[at - from];
      if (is_above(at)) {
        here = ~std::uint64_t{0};
        continue;
      }
      if (is_end(at)) here |= bit(count);
      for (std::size_t piece = count; piece-- > 0;) {
        if (may_go_on(first + piece, piece, at, from, can)) here |= bit(piece);
      }
    }
    if ((can.front() & bit(0)) == 0) return false;
    if (parameters) collect(first, from, can, *parameters);
    return true;
  }

  bool may_go_on(std::size_t index, std::size_t piece, std::size_t at, std::size_t from,
                 const std::pmr::vector<std::uint64_t>& can) const {
    if (is_literal(index)) {
      const std::string_view text = literal(index);
      if (!path_.substr(at).starts_with(text)) return ends_within(text, at);
      return (can[at + text.size() - from] & bit(piece + 1)) != 0;
    }
    const Converter converter = pieces_[index].converter;
    if (converter == Converter::uuid) {
      const std::size_t end = reach(converter, path_, at);
      return end != at && (can[end - from] & bit(piece + 1)) != 0;
    }
    if (at == path_.size() || !accepts(converter, path_[at])) return false;
    // It ends after this character, or goes on with the next.
    const std::uint64_t after = can[at + character_length(path_, at) - from];
    return (after & (bit(piece + 1) | bit(piece))) != 0;
  }

  /// Each converter takes as much as it can, in order, as Django's regular expressions do.
  void collect(std::size_t first, std::size_t from, const std::pmr::vector<std::uint64_t>& can,
               PathParameters& parameters) const {
    std::size_t at = from;
    for (std::size_t index = first; index < pieces_.size(); ++index) {
      if (is_literal(index)) {
        at += literal(index).size();
        continue;
      }
      const Converter converter = pieces_[index].converter;
      std::size_t end = at;
      if (converter == Converter::uuid) {
        end += uuid_length;
      } else {
        std::size_t next = at;
        while (next < path_.size() && accepts(converter, path_[next])) {
          next += character_length(path_, next);
          if ((can[next - from] & bit(index - first + 1)) != 0) end = next;
        }
      }
      note(&parameters, index, at, end);
      at = end;
    }
  }

  static constexpr std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << index; }

  const std::vector<PatternPiece>& pieces_;
  std::string_view path_;
  Extent extent_;
};

// --- Parsing -----------------------------------------------------------------

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::variant<PathPattern, PatternError> run() {
    if (std::optional<PatternError> wrong = check_start()) return *std::move(wrong);
    while (at_ < text_.size()) {
      std::optional<PatternError> wrong =
          text_[at_] == '<' ? parse_converter() : parse_literal_character();
      if (wrong) return *std::move(wrong);
    }
    end_literal();
    return PathPattern{std::string(text_), std::move(pieces_)};
  }

 private:
  std::optional<PatternError> check_start() const {
    if (text_.empty()) return PatternError{0, "a path is expected, such as '/api/items/<int:pk>/'"};
    if (text_.front() == '^') {
      return PatternError{
          0, "a path in the syntax of Django's path() is expected, not a regular expression"};
    }
    if (text_.front() != '/') {
      return PatternError{0, "a path starts with '/' here, also where urls.py leaves it out"};
    }
    return std::nullopt;
  }

  std::optional<PatternError> parse_converter() {
    const std::size_t start = at_;
    const std::size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) return PatternError{start, "'<' without its '>'"};
    const std::string_view inside = text_.substr(start + 1, end - start - 1);
    if (const std::size_t space = inside.find_first_of(" \t\r\n<");
        space != std::string_view::npos) {
      return PatternError{start + 1 + space,
                          inside[space] == '<' ? "'<' within '<…>'" : "white space within '<…>'"};
    }
    const std::size_t colon = inside.find(':');
    const bool named = colon != std::string_view::npos;
    const std::string_view name = named ? inside.substr(colon + 1) : inside;
    Converter converter = Converter::str;
    if (named) {
      const std::string_view word = inside.substr(0, colon);
      const auto* known =
          std::find_if(converters.begin(), converters.end(),
                       [word](const NamedConverter& one) { return one.name == word; });
      if (known == converters.end()) return unknown_converter(start + 1, word);
      converter = known->converter;
    }
    const std::size_t name_at = start + 1 + (named ? colon + 1 : 0);
    if (!is_identifier(name)) {
      return PatternError{
          name_at, name.empty() ? "a converter needs a name, such as '<int:pk>'"
                                : "'" + std::string(name) +
                                      "' cannot name a converter: letters, digits and '_' can"};
    }
    for (const PatternPiece& piece : pieces_) {
      if (piece.name == name) {
        return PatternError{name_at, "the name '" + std::string(name) + "' is used twice"};
      }
    }
    if (++converter_count_ > converter_limit) {
      return PatternError{start, "more than " + std::to_string(converter_limit) + " converters"};
    }
    if (converter == Converter::path && ++path_count_ > path_converter_limit) {
      return PatternError{
          start, "more than " + std::to_string(path_converter_limit) + " '<path:…>' converters"};
    }
    end_literal();
    pieces_.push_back({{}, converter, std::string(name)});
    at_ = end + 1;
    return std::nullopt;
  }

  static PatternError unknown_converter(std::size_t offset, std::string_view word) {
    std::vector<std::string_view> known;
    known.reserve(converters.size());
    for (const NamedConverter& one : converters) known.push_back(one.name);
    std::string hint = suggest_nearest(word, known);
    if (hint.empty()) hint = "; known are int, str, slug, uuid and path";
    return {offset, "unknown converter '" + std::string(word) + "'" + hint};
  }

  static bool is_identifier(std::string_view name) {
    if (name.empty() || is_digit(name.front())) return false;
    return std::all_of(name.begin(), name.end(), [](char letter) {
      return is_letter(letter) || is_digit(letter) || letter == '_' ||
             static_cast<unsigned char>(letter) >= 0x80;
    });
  }

  /// What no path in the normal form can contain is an error: such a rule would never match.
  std::optional<PatternError> parse_literal_character() {
    const char letter = text_[at_];
    if (is_control(letter)) return PatternError{at_, "a control character in a path"};
    if (text_.substr(at_).starts_with("(?P<")) {
      return PatternError{
          at_, "a path in the syntax of Django's path() is expected, not a regular expression"};
    }
    switch (letter) {
      case '>':
        return PatternError{at_, "'>' without its '<'"};
      case '{':
      case '}':
        return PatternError{at_, "a path parameter is written '<name>' or '<int:name>'"};
      case '*':
        return PatternError{at_,
                            "'*' is no wildcard here: write '<str:name>' for one segment, "
                            "'<path:name>' for any number"};
      case '?':
        return PatternError{at_, "a path has no query: which parameters count stands in 'key'"};
      case '#':
        return PatternError{at_, "a path has no fragment"};
      case '%':
        return PatternError{at_, "write the character itself instead of its percent-encoding"};
      case '\\':
      case ';':
        return PatternError{at_, std::string("a path with '") + letter +
                                     "' is always passed on: servers disagree on what it means"};
      case '/':
        return parse_slash();
      default:
        break;
    }
    const std::size_t length = utf8_length(text_.substr(at_));
    if (length == 0) return PatternError{at_, "not UTF-8"};
    for (std::size_t index = 0; index < length; ++index) add(text_[at_ + index]);
    at_ += length;
    return std::nullopt;
  }

  std::optional<PatternError> parse_slash() {
    const std::string_view rest = text_.substr(at_ + 1);
    if (rest.starts_with('/')) {
      return PatternError{at_ + 1, "an empty segment: a path with '//' is always passed on"};
    }
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") {
      return PatternError{
          at_ + 1, "a path with a segment '" + std::string(segment) + "' is always passed on"};
    }
    literal_ += '/';
    ++at_;
    return std::nullopt;
  }

  void add(char letter) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    if (is_raw(letter)) {
      literal_ += letter;
      return;
    }
    const auto byte = static_cast<unsigned char>(letter);
    literal_ += '%';
    literal_ += digits[byte >> 4];
    literal_ += digits[byte & 15];
  }

  void end_literal() {
    if (!literal_.empty()) pieces_.push_back({std::move(literal_), Converter::str, {}});
    literal_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string literal_;
  std::vector<PatternPiece> pieces_;
  std::size_t converter_count_ = 0;
  std::size_t path_count_ = 0;
};

}  // namespace

bool PathPattern::matches(std::string_view path, PathParameters& parameters) const {
  parameters.clear();
  if (Attempt(pieces, path, Extent::whole).run(&parameters)) return true;
  parameters.clear();
  return false;
}

bool PathPattern::matches(std::string_view path) const {
  return Attempt(pieces, path, Extent::whole).run(nullptr);
}

bool PathPattern::covers(std::string_view path) const {
  return Attempt(pieces, path, Extent::prefix).run(nullptr);
}

bool PathPattern::may_concern(std::string_view path, bool below) const {
  if (covers(path)) return true;
  if (!below) return false;
  if (path.ends_with('/')) path.remove_suffix(1);
  return Attempt(pieces, path, Extent::below).run(nullptr);
}

bool PathPattern::has_parameters() const {
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const PatternPiece& piece) { return !piece.name.empty(); });
}

std::variant<PathPattern, PatternError> parse_path_pattern(std::string_view text) {
  return Parser(text).run();
}

}  // namespace larder::policy
