#include "config/jwt.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "config/mapping.hpp"
#include "policy/nearest.hpp"

namespace larder::config {
namespace {

using identity::Algorithm;
using identity::Key;
using identity::KeyError;
using identity::KeyFamily;

constexpr std::size_t key_file_limit = 256 << 10;
constexpr std::array<std::string_view, 6> algorithm_names{"HS256", "HS384", "HS512",
                                                          "RS256", "ES256", "EdDSA"};

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
  });
}

Parsed<std::string> read_key_file(const std::string& path) {
  if (path.empty() || has_control(path) || path.starts_with("-----BEGIN"))
    return Refused{"the name of a file is expected"};
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text(key_file_limit + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad())
    return Refused{std::string("the file cannot be read: ") +
                   std::strerror(errno == 0 ? EIO : errno)};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > key_file_limit) return Refused{"the file is larger than 256 KiB"};
  return text;
}

template <class Made, class Make>
Parsed<Made> make_from_file(const std::string& path, const Make& make) {
  Parsed<std::string> text = read_key_file(path);
  if (auto* refused = std::get_if<Refused>(&text)) return std::move(*refused);
  auto made = make(std::get<std::string>(std::move(text)));
  if (auto* error = std::get_if<KeyError>(&made)) return Refused{std::move(error->why)};
  return std::get<Made>(std::move(made));
}

std::string_view what_holds_keys_of(KeyFamily family) {
  switch (family) {
    case KeyFamily::hmac:
      return "'secret', 'secret_file' or a key of kind oct in 'jwks'";
    case KeyFamily::rsa:
      return "an RSA key in 'public_key' or 'jwks'";
    case KeyFamily::p256:
      return "an EC key on P-256 in 'public_key' or 'jwks'";
    case KeyFamily::ed25519:
      break;
  }
  return "an Ed25519 key in 'public_key' or 'jwks'";
}

}  // namespace

Parsed<Key> parse_secret(std::string_view text) {
  auto made = identity::make_secret_key(std::string(text));
  if (auto* error = std::get_if<KeyError>(&made)) return Refused{std::move(error->why)};
  return std::get<Key>(std::move(made));
}

Parsed<Key> read_secret_file(const std::string& path) {
  return make_from_file<Key>(path, [](std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return identity::make_secret_key(std::move(text));
  });
}

Parsed<Key> read_public_key_file(const std::string& path) {
  return make_from_file<Key>(
      path, [](const std::string& text) { return identity::parse_public_key(text); });
}

Parsed<std::vector<Key>> read_jwks_file(const std::string& path) {
  return make_from_file<std::vector<Key>>(
      path, [](const std::string& text) { return identity::parse_jwks(text); });
}

Parsed<Algorithm> parse_jwt_algorithm(std::string_view text) {
  if (const auto algorithm = identity::parse_algorithm(text)) return *algorithm;
  const std::vector<std::string_view> known(algorithm_names.begin(), algorithm_names.end());
  return Refused{"unknown algorithm " + quote(text) + policy::suggest_nearest(text, known) +
                 "; known are " + join_words(known)};
}

Parsed<std::string> parse_jwt_text(const std::string& text) {
  if (text.empty() || has_control(text))
    return Refused{quote(text) + " is no text to compare with"};
  return text;
}

std::shared_ptr<const identity::TokenRules> make_token_rules(const JwtDraft& draft,
                                                             Report& report) {
  auto rules = std::make_shared<identity::TokenRules>();
  if (draft.secret) rules->keys.push_back(*draft.secret);
  if (draft.public_key) rules->keys.push_back(*draft.public_key);
  rules->keys.insert(rules->keys.end(), draft.jwks.begin(), draft.jwks.end());
  if (rules->keys.empty()) return nullptr;
  for (const Algorithm algorithm : draft.algorithms) {
    const KeyFamily family = identity::family_of(algorithm);
    const bool has_key = std::any_of(rules->keys.begin(), rules->keys.end(), [&](const Key& key) {
      return key.family == family && (!key.only || key.only == algorithm);
    });
    if (has_key) continue;
    report.error(draft.place,
                 "jwt: no key for " + std::string(identity::format_algorithm(algorithm)) +
                     " in 'algorithms', which needs " + std::string(what_holds_keys_of(family)));
  }
  rules->algorithms = draft.algorithms;
  rules->claim = draft.claim;
  rules->audiences = draft.audience;
  rules->issuer = draft.issuer;
  rules->token_types = draft.token_types;
  rules->leeway = draft.leeway;
  return rules;
}

}  // namespace larder::config
