// Content coding: which codings a client takes (Accept-Encoding, RFC 9110 12.5.3), and which one a
// representation has (Content-Encoding, RFC 9110 8.4).
//
// Names are compared without case; "x-gzip" is gzip and "x-compress" compress (RFC 9110 8.4.1).
#pragma once

#include <optional>
#include <string_view>

#include <boost/container/small_vector.hpp>

#include "http/message.hpp"

namespace larder::http {

/// What Accept-Encoding says, read once. Looks into the head's buffer, as the head itself does.
///
/// A member that breaks the grammar counts as not there, which leaves identity; of a coding named
/// twice the lower weight counts.
class AcceptEncoding {
 public:
  /// All its Accept-Encoding lines together.
  explicit AcceptEncoding(const Fields& request);
  /// One value; nothing: the field is absent.
  explicit AcceptEncoding(std::optional<std::string_view> value);

  /// Absent and empty differ: without the field anything is acceptable, with an empty one nothing
  /// but identity is.
  [[nodiscard]] bool is_absent() const { return is_absent_; }

  /// How welcome a coding is, in thousandths; 0: it must not be sent. What is neither named nor
  /// matched by "*" is 0, but for identity, which then is 1: acceptable, and less so than anything
  /// named. Without the field everything is 1000.
  [[nodiscard]] int weight(std::string_view coding) const;

  /// May content be sent to which these codings were applied? `content_encoding` is the value of
  /// that field, empty for none; of several codings each has to be acceptable.
  [[nodiscard]] bool accepts(std::string_view content_encoding) const;

  /// Is the coding asked for, and at least as welcome as identity? False without the field: a
  /// client that says nothing about codings seldom knows any.
  [[nodiscard]] bool prefers(std::string_view coding) const;

  /// For keys and for what a fill sends: "gzip" where prefers("gzip"), else "identity". These are
  /// the codings that Django's own middleware knows.
  [[nodiscard]] std::string_view normal_form() const;

 private:
  struct Member {
    std::string_view coding;  ///< as sent
    int weight = 0;
  };
  void add_members(std::string_view value);

  boost::container::small_vector<Member, 6> members_;
  bool is_absent_ = true;
};

/// Was any coding but identity applied, going by a value of Content-Encoding?
[[nodiscard]] bool is_coded(std::string_view content_encoding);

}  // namespace larder::http
