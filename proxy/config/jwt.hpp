// JWT: how tokens are verified, put together from what the settings say (rules/README.md, "jwt").
//
// Keys are read at once, so that a mistake is told with the place of the setting that made it. No
// refusal repeats what was given: it may be the secret itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/report.hpp"
#include "config/values.hpp"
#include "identity/verification.hpp"

namespace larder::config {

struct JwtDraft {
  std::optional<identity::Key> secret;
  std::optional<identity::Key> public_key;
  std::vector<identity::Key> jwks;
  std::vector<identity::Algorithm> algorithms{identity::Algorithm::hs256};
  std::string claim{"user_id"};
  std::vector<std::string> audience;
  std::string issuer;  ///< empty: any
  std::vector<std::string> token_types{"access"};
  seconds leeway{0};

  /// Does anything say how tokens are verified, if only with an empty secret?
  bool is_given = false;
  std::string file;  ///< where `jwt` stands; empty: in no file
  Place place;
};

[[nodiscard]] Parsed<identity::Key> parse_secret(std::string_view text);
/// The files' contents; a secret's final line end does not belong to it.
[[nodiscard]] Parsed<identity::Key> read_secret_file(const std::string& path);
[[nodiscard]] Parsed<identity::Key> read_public_key_file(const std::string& path);
[[nodiscard]] Parsed<std::vector<identity::Key>> read_jwks_file(const std::string& path);
[[nodiscard]] Parsed<identity::Algorithm> parse_jwt_algorithm(std::string_view text);
/// Of claims, issuers, audiences: not empty, without control characters.
[[nodiscard]] Parsed<std::string> parse_jwt_text(const std::string& text);

/// Null without any key. An algorithm without a key that could be used with it is an error.
[[nodiscard]] std::shared_ptr<const identity::TokenRules> make_token_rules(const JwtDraft& draft,
                                                                           Report& report);

}  // namespace larder::config
