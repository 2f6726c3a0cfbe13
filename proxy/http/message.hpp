// Message: the values an HTTP message is made of (RFC 9110 3, 5, 6).
//
// Owns nothing: every string_view looks into the buffer the head was read into and lives as long as
// that buffer stays untouched. Reading bytes into these: request_head, response_head.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/container/small_vector.hpp>

#include "http/field_name.hpp"

namespace larder::http {

/// One field line: name as sent, value without surrounding whitespace (RFC 9112 5.1).
struct FieldLine {
  FieldName id = FieldName::unknown;
  std::string_view name;
  std::string_view value;
};

/// The field lines of one section, in the order they came.
class Fields {
 public:
  using Lines = boost::container::small_vector<FieldLine, 24>;

  void clear() {
    lines_.clear();
    names_ = 0;
  }
  void add(FieldLine line) {
    lines_.push_back(line);
    names_ |= bit(line.id);
  }
  void add(FieldName id, std::string_view value);
  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] Lines::const_iterator begin() const { return lines_.begin(); }
  [[nodiscard]] Lines::const_iterator end() const { return lines_.end(); }

  [[nodiscard]] bool has(FieldName id) const { return (names_ & bit(id)) != 0; }
  /// Is there a line of any of these names?
  [[nodiscard]] bool has_any(std::initializer_list<FieldName> ids) const {
    std::uint64_t any = 0;
    for (const FieldName id : ids) any |= bit(id);
    return (names_ & any) != 0;
  }
  [[nodiscard]] std::size_t count(FieldName id) const;
  /// The first line of that name; nothing when there is none.
  [[nodiscard]] std::optional<std::string_view> first(FieldName id) const;
  /// The same for a name that has no FieldName; compared without case.
  [[nodiscard]] std::optional<std::string_view> first(std::string_view name) const;
  /// All lines of that name joined by ", " (RFC 9110 5.3); nothing when there is none.
  [[nodiscard]] std::optional<std::string> combined(FieldName id) const;
  [[nodiscard]] std::optional<std::string> combined(std::string_view name) const;
  /// The same as a view: of the line, or of `room`, which is written to when there are several.
  [[nodiscard]] std::optional<std::string_view> combined(FieldName id, std::string& room) const;
  [[nodiscard]] std::optional<std::string_view> combined(std::string_view name,
                                                         std::string& room) const;

 private:
  static constexpr std::uint64_t bit(FieldName id) {
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }

  Lines lines_;
  std::uint64_t names_ =
      0;  ///< of the lines, so that asking for one that is not there costs nothing
};

enum class Method : std::uint8_t {
  get,
  head,
  options,
  trace,
  connect,
  post,
  put,
  patch,
  del,
  other
};

/// RFC 9110 9.2.1. `other` is unsafe: what a method unknown to us does cannot be known. QUERY and
/// the WebDAV readers (PROPFIND, REPORT, SEARCH), which are safe by registration, are told by their
/// text.
[[nodiscard]] bool is_safe(Method method, std::string_view text);
/// RFC 9110 9.2.2: safe, PUT and DELETE.
[[nodiscard]] bool is_idempotent(Method method, std::string_view text);

enum class Version : std::uint8_t { http_1_0, http_1_1 };

/// How the content of a message is delimited (RFC 9112 6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  ///< bytes; meaningful for `length` only
  bool operator==(const BodyFraming&) const = default;
};

enum class TargetForm : std::uint8_t { origin, absolute, asterisk };

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  TargetForm form = TargetForm::origin;
  /// Path and query as sent ("/a?b": "/a" and "b"), also cut out of an absolute-form target; "*"
  /// for asterisk-form. An absolute-form without a path gives "/" (RFC 9112 3.2.1; then a literal
  /// of ours, not a view into the buffer), possibly with its query; for OPTIONS without a query it
  /// gives asterisk-form (RFC 9112 3.2.4).
  std::string_view path;                  ///< without the query; never empty
  std::optional<std::string_view> query;  ///< without "?"; empty and absent differ
  std::string_view host;  ///< authority that counts (RFC 9112 3.2.2); empty only for 1.0
  Version version = Version::http_1_1;
  Fields fields;
  /// As the last head's of its connection while `fields` are the same, line by line. 0: not
  /// counted.
  std::uint64_t section = 0;
  BodyFraming framing;
  bool keep_alive = true;         ///< what the client wishes (RFC 9112 9.3)
  bool expects_continue = false;  ///< Expect: 100-continue on 1.1 with content announced
  std::size_t size = 0;  ///< bytes the head took in the buffer, leading empty lines included
};

struct ResponseHead {
  Version version = Version::http_1_1;
  std::uint16_t status = 0;
  std::string_view reason;
  Fields fields;
  BodyFraming framing;     ///< for the request method given to the parser
  bool keep_alive = true;  ///< whether the origin's connection may be used again afterwards
  std::size_t size = 0;
};

/// Does one of the comma-separated members of `value` equal `token`, without case?
[[nodiscard]] bool has_token(std::string_view value, std::string_view token);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
/// Field-name or method characters (RFC 9110 5.6.2); empty is none.
[[nodiscard]] bool is_token(std::string_view text);

/// Is this field meant for one hop only: one of RFC 9110 7.6.1's, or named by a Connection line?
/// Host, framing and field names that must arrive (Cache-Control, Authorization, Cookie,
/// Set-Cookie, Vary, X-Forwarded-*) cannot be dropped by naming them in Connection: such a name is
/// ignored.
[[nodiscard]] bool is_hop_by_hop(const FieldLine& line, const Fields& fields);

}  // namespace larder::http
