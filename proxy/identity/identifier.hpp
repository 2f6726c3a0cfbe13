// Identifier: who asks, for rules with `share: per-user`: by a verified token in Authorization, or
// by a session cookie, which is not verified and need not be.
//
// A session cookie counts as it is: it is long and random, so whoever has it may have what Django
// gives for it, and a made-up one gets what Django says to that. For the same reason a plain
// SHA-256 hides it well enough, and names it alike on every replica.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "identity/verification.hpp"
#include "identity/verified_tokens.hpp"

namespace larder::identity {

/// Somebody, told from everybody else.
struct Identity {
  /// In keys and tags. Different people never share one; one person may have several.
  std::shared_ptr<const std::string> digest;
  /// Of a token; null for a session.
  std::shared_ptr<const Verified> token;
  /// What of the request says so, and goes with a fill: the value of Authorization, or one pair of
  /// Cookie ("sessionid=..."). One of them is empty.
  std::string_view authorization;  ///< into the request's field
  std::string cookie;
  /// Has nobody a second identity? Then a write that somebody makes under this one is seen by all
  /// that they read.
  bool is_only_one = false;
};

/// Why it cannot be told who asks.
enum class Unidentified : std::uint8_t {
  no_credentials,  ///< or of a kind that says nothing here
  several,         ///< credentials of two kinds, or two of a kind: which counts is Django's to say
  token,           ///< a token that is not believed
};

struct NotIdentified {
  Unidentified why = Unidentified::no_credentials;
  Unverified token = Unverified::malformed;  ///< of `Unidentified::token`
  bool operator==(const NotIdentified&) const = default;
};

using Identification = std::variant<NotIdentified, Identity>;

/// Of one thread, and of one set of rules: where keys change, another takes its place, and nothing
/// that was verified with the old ones is remembered.
class Identifier {
 public:
  /// `rules` null: tokens say nothing. `session_cookies`: names of cookies that tell users apart;
  /// `by_session`: whether they say who asks, or only that it is not the token alone that does.
  Identifier(std::shared_ptr<const TokenRules> rules, std::vector<std::string> session_cookies,
             bool by_session)
      : rules_(std::move(rules)),
        session_cookies_(std::move(session_cookies)),
        by_session_(by_session) {}

  [[nodiscard]] Identification identify(const http::Fields& fields, std::chrono::sys_seconds now);

 private:
  [[nodiscard]] Identification identify_by_token(std::string_view authorization,
                                                 std::chrono::sys_seconds now);

  std::shared_ptr<const TokenRules> rules_;
  std::vector<std::string> session_cookies_;
  bool by_session_ = false;
  VerifiedTokens verified_;
};

}  // namespace larder::identity
