#include "http/target.hpp"

#include <algorithm>
#include <cstdint>

#include "http/grammar.hpp"

namespace larder::http {
namespace {

using grammar::is;

constexpr std::string_view upper_hex = "0123456789ABCDEF";

void append_encoded(std::string& text, unsigned char byte) {
  text.push_back('%');
  text.push_back(upper_hex[byte >> 4]);
  text.push_back(upper_hex[byte & 15]);
}

/// The byte that "%XX" at `at` stands for; nothing when it is broken.
std::optional<unsigned char> decode(std::string_view text, std::size_t at) {
  if (text.size() - at < 3 || !is(text[at + 1], grammar::hex_digit) ||
      !is(text[at + 2], grammar::hex_digit))
    return {};
  return static_cast<unsigned char>(grammar::hex_value(text[at + 1]) << 4 |
                                    grammar::hex_value(text[at + 2]));
}

bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

/// Follows the encoded bytes of a path as UTF-8 (RFC 3629 4). Some decoders take an overlong
/// sequence for the ASCII character it smuggles, others replace it: only shortest forms are one
/// thing to all.
class Utf8 {
 public:
  /// False when `byte` cannot come here.
  bool take(unsigned char byte) {
    if (expected_ == 0) {
      if (byte < 0x80) return true;
      low_ = 0x80;
      high_ = 0xbf;
      if (byte >= 0xc2 && byte <= 0xdf) {
        expected_ = 1;
      } else if (byte >= 0xe0 && byte <= 0xef) {
        expected_ = 2;
        if (byte == 0xe0) low_ = 0xa0;
        if (byte == 0xed) high_ = 0x9f;
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        expected_ = 3;
        if (byte == 0xf0) low_ = 0x90;
        if (byte == 0xf4) high_ = 0x8f;
      }
      return expected_ != 0;
    }
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xbf;
    --expected_;
    return true;
  }
  /// May an unencoded character follow?
  [[nodiscard]] bool is_whole() const { return expected_ == 0; }

 private:
  unsigned expected_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
};

/// Is the segment that begins at `at` "." or ".."?
bool is_dot_segment(std::string_view path, std::size_t at) {
  const std::string_view segment = path.substr(at, path.find('/', at) - at);
  return segment == "." || segment == "..";
}

/// For one byte that stands encoded in a path.
Ambiguity judge_encoded(unsigned char byte) {
  if (byte == '/') return Ambiguity::encoded_slash;
  if (byte == '\\') return Ambiguity::encoded_backslash;
  if (byte == '%' || byte == '.') return Ambiguity::encoded_percent_or_dot;
  return is_control(byte) ? Ambiguity::encoded_control : Ambiguity::none;
}

/// For one byte that stands as it is at `at`.
Ambiguity judge_plain(std::string_view path, std::size_t at) {
  const char c = path[at];
  const auto byte = static_cast<unsigned char>(c);
  if (c == '/') {
    if (at + 1 < path.size() && path[at + 1] == '/') return Ambiguity::empty_segment;
    const bool dots = at + 1 < path.size() && path[at + 1] == '.' && is_dot_segment(path, at + 1);
    return dots ? Ambiguity::dot_segment : Ambiguity::none;
  }
  if (c == ';') return Ambiguity::path_parameter;
  if (c == '\\') return Ambiguity::backslash;
  if (byte >= 0x80) return Ambiguity::non_ascii;
  return is_control(byte) ? Ambiguity::encoded_control : Ambiguity::none;
}

/// Decoded once, as WSGI's PATH_INFO; a broken percent sign stays one.
std::string decode_path(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%') {
      if (const std::optional<unsigned char> byte = decode(path, i)) {
        decoded.push_back(static_cast<char>(*byte));
        i += 2;
        continue;
      }
    }
    decoded.push_back(path[i]);
  }
  return decoded;
}

std::string encode_path(std::string_view decoded) {
  std::string path;
  path.reserve(decoded.size());
  for (const char c : decoded) {
    if (is(c, grammar::path_char))
      path.push_back(c);
    else
      append_encoded(path, static_cast<unsigned char>(c));
  }
  return path;
}

std::string merge_empty_segments(std::string_view path) {
  std::string merged;
  merged.reserve(path.size());
  for (const char c : path) {
    if (c != '/' || merged.empty() || merged.back() != '/') merged.push_back(c);
  }
  return merged;
}

/// RFC 3986 5.2.4 for a path that begins with "/".
std::string remove_dot_segments(std::string_view path) {
  std::string kept;
  kept.reserve(path.size());
  while (!path.empty()) {
    const std::size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, next);
    const bool is_last = next == path.size();
    if (segment == "/..") {
      kept.erase(std::min(kept.rfind('/'), kept.size()));
      if (is_last) kept.push_back('/');
    } else if (segment == "/.") {
      if (is_last) kept.push_back('/');
    } else {
      kept.append(segment);
    }
    path.remove_prefix(next);
  }
  return kept;
}

/// Writes the normal forms of a query's names and values one behind the other, where they are not
/// what was sent.
class QueryNormaliser {
 public:
  /// `room` is made once, for all of the query.
  QueryNormaliser(std::string_view query, std::unique_ptr<char[]>& room)
      : query_(query), room_(room) {}

  /// Hex digits in upper case, unreserved characters decoded, the rest as it is. False when a
  /// percent sign is broken or a control character encoded.
  bool normalise(std::string_view& text, bool plus_is_space) {
    const bool is_normal = text.find('%') == std::string_view::npos &&
                           (!plus_is_space || text.find('+') == std::string_view::npos);
    return is_normal || write(text, plus_is_space);
  }

 private:
  bool write(std::string_view& text, bool plus_is_space) {
    // A "+" takes three bytes for one.
    if (!room_) at_ = (room_ = std::make_unique_for_overwrite<char[]>(3 * query_.size())).get();
    const char* const start = at_;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c != '%') {
        if (c == '+' && plus_is_space)
          put_encoded(' ');
        else
          *at_++ = c;
        continue;
      }
      const std::optional<unsigned char> byte = decode(text, i);
      if (!byte || is_control(*byte)) return false;
      if (is(static_cast<char>(*byte), grammar::unreserved))
        *at_++ = static_cast<char>(*byte);
      else
        put_encoded(*byte);
      i += 2;
    }
    text = {start, static_cast<std::size_t>(at_ - start)};
    return true;
  }
  void put_encoded(unsigned char byte) {
    *at_++ = '%';
    *at_++ = upper_hex[byte >> 4];
    *at_++ = upper_hex[byte & 15];
  }

  std::string_view query_;
  std::unique_ptr<char[]>& room_;
  char* at_ = nullptr;
};

/// Some of these bytes may be a path's in its normal form, too: most paths have none of them.
struct UnusualInPath {
  static auto of(Bytes bytes) {
    return ((bytes | 0x20) - 'a' >= 26) & (bytes - '-' > '9' - '-') & (bytes != '_');
  }
};

/// Is the path, as nearly every one, in its normal form, which one look at sixteen bytes can tell?
bool is_plainly_normal(std::string_view path) {
  if (!path.starts_with('/') || !has_none<UnusualInPath>(path)) return false;
  const auto begins_no_segment = [at = path.data()](const auto& load) {
    const Bytes next = load(at + 1);
    return (load(at) == '/') & ((next == '/') | (next == '.'));
  };
  return are_none_marked(path.size() - 1, begins_no_segment);
}

}  // namespace

std::string_view describe(Ambiguity ambiguity) {
  switch (ambiguity) {
    case Ambiguity::none:
      return "the path has one meaning";
    case Ambiguity::dot_segment:
      return "the path contains a dot segment";
    case Ambiguity::empty_segment:
      return "the path contains an empty segment";
    case Ambiguity::encoded_slash:
      return "the path contains an encoded slash";
    case Ambiguity::encoded_backslash:
      return "the path contains an encoded backslash";
    case Ambiguity::backslash:
      return "the path contains a backslash";
    case Ambiguity::encoded_control:
      return "the path contains a control character";
    case Ambiguity::path_parameter:
      return "the path contains a semicolon";
    case Ambiguity::broken_percent:
      return "the path contains a broken percent sign";
    case Ambiguity::non_ascii:
      return "the path contains bytes that are neither ASCII nor UTF-8";
    case Ambiguity::encoded_percent_or_dot:
      return "the path contains an encoded percent sign or dot";
  }
  return {};
}

Ambiguity normalise_path(std::string_view path, std::string& normal) {
  if (is_plainly_normal(path)) {
    normal = path;
    return Ambiguity::none;
  }
  normal.clear();
  if (!path.empty() && path[0] == '.' && is_dot_segment(path, 0)) return Ambiguity::dot_segment;
  Utf8 utf8;
  std::size_t copied = 0;  // everything before it is in `normal`
  for (std::size_t i = 0; i < path.size();) {
    // Most characters of most paths: one look at a table.
    if (utf8.is_whole()) {
      while (i < path.size() && is(path[i], grammar::unreserved)) ++i;
      if (i == path.size()) break;
    }
    if (path[i] != '%') {
      if (!utf8.is_whole()) return Ambiguity::non_ascii;
      if (const Ambiguity found = judge_plain(path, i); found != Ambiguity::none) return found;
      ++i;
      continue;
    }
    const std::optional<unsigned char> byte = decode(path, i);
    if (!byte) return Ambiguity::broken_percent;
    if (const Ambiguity found = judge_encoded(*byte); found != Ambiguity::none) return found;
    if (!utf8.take(*byte)) return Ambiguity::non_ascii;
    normal.append(path, copied, i - copied);
    if (is(static_cast<char>(*byte), grammar::unreserved))
      normal.push_back(static_cast<char>(*byte));
    else
      append_encoded(normal, *byte);
    i += 3;
    copied = i;
  }
  if (!utf8.is_whole()) return Ambiguity::non_ascii;
  normal.append(path, copied);
  return Ambiguity::none;
}

std::vector<std::string> possible_paths(std::string_view path) {
  std::vector<std::string> paths;
  const auto add = [&](std::string candidate) {
    if (std::find(paths.begin(), paths.end(), candidate) == paths.end())
      paths.push_back(std::move(candidate));
  };
  const std::string decoded = decode_path(path);
  add(encode_path(decoded));
  std::string as_it_is;
  if (normalise_path(path, as_it_is) != Ambiguity::none) as_it_is = path;
  add(std::move(as_it_is));
  add(encode_path(remove_dot_segments(merge_empty_segments(decoded))));
  add(encode_path(remove_dot_segments(decoded)));
  return paths;
}

void QueryParameters::sort_by_name() {
  const auto goes_before = [](const QueryParameter& a, const QueryParameter& b) {
    return a.name < b.name;
  };
  // std::stable_sort takes memory, which does not pay for the few that a query has.
  constexpr std::size_t few = 16;
  if (parameters_.size() > few)
    return std::stable_sort(parameters_.begin(), parameters_.end(), goes_before);
  for (auto next = parameters_.begin(); next != parameters_.end(); ++next)
    std::rotate(std::upper_bound(parameters_.begin(), next, *next, goes_before), next, next + 1);
}

std::optional<QueryParameters> parse_query(std::string_view query) {
  std::optional<QueryParameters> parsed(std::in_place);
  if (query.empty()) return parsed;
  if (query.find(';') != std::string_view::npos) return {};
  QueryNormaliser normaliser(query, parsed->normal_);
  while (true) {
    const std::size_t end = query.find('&');
    QueryParameter parameter;
    parameter.raw = query.substr(0, end);
    const std::size_t equals = parameter.raw.find('=');
    parameter.has_equals = equals != std::string_view::npos;
    parameter.name = parameter.raw.substr(0, equals);
    if (!normaliser.normalise(parameter.name, true)) return {};
    if (parameter.has_equals) {
      parameter.value = parameter.raw.substr(equals + 1);
      if (!normaliser.normalise(parameter.value, false)) return {};
    }
    parsed->parameters_.push_back(parameter);
    if (end == std::string_view::npos) return parsed;
    query.remove_prefix(end + 1);
  }
}

}  // namespace larder::http
