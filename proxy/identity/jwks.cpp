// A JWK set becomes keys (RFC 7517, RFC 7518 6, RFC 8037 2); see keys.hpp.
#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>

#include "identity/base64url.hpp"
#include "identity/json_members.hpp"
#include "identity/keys.hpp"

namespace larder::identity {

namespace {

namespace json = boost::json;

constexpr std::size_t jwks_depth = 8;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return std::string(text.data(), text.size());
}

std::string bytes_of(const json::object& object, std::string_view name) {
  return decode_base64url(text_of(object, name)).value_or(std::string());
}

/// RFC 7517 4.2, 4.3: absent means any use.
bool is_for_signatures(const json::object& jwk) {
  if (jwk.contains("use") && text_of(jwk, "use") != "sig") return false;
  const json::value* operations = jwk.if_contains("key_ops");
  if (!operations) return true;
  if (!operations->is_array()) return false;
  const json::array& list = operations->get_array();
  return std::any_of(list.begin(), list.end(),
                     [](const json::value& one) { return one == json::value("verify"); });
}

std::optional<Key> make_key(const json::object& jwk) {
  if (!is_for_signatures(jwk)) return std::nullopt;
  Key key;
  key.kid = text_of(jwk, "kid");
  if (jwk.contains("alg")) {
    key.only = parse_algorithm(text_of(jwk, "alg"));
    if (!key.only) return std::nullopt;
  }
  const std::string kty = text_of(jwk, "kty");
  const std::string curve = text_of(jwk, "crv");
  if (kty == "oct") {
    key.family = KeyFamily::hmac;
    key.secret = bytes_of(jwk, "k");
    if (key.secret.empty()) return std::nullopt;
    return key;
  }
  if (kty == "RSA") {
    key.family = KeyFamily::rsa;
    key.public_key = make_rsa_key(bytes_of(jwk, "n"), bytes_of(jwk, "e"));
  } else if (kty == "EC" && curve == "P-256") {
    key.family = KeyFamily::p256;
    key.public_key = make_p256_key(bytes_of(jwk, "x"), bytes_of(jwk, "y"));
  } else if (kty == "OKP" && curve == "Ed25519") {
    key.family = KeyFamily::ed25519;
    key.public_key = make_ed25519_key(bytes_of(jwk, "x"));
  }
  if (!key.public_key) return std::nullopt;
  return key;
}

}  // namespace

std::variant<std::vector<Key>, KeyError> parse_jwks(std::string_view text) {
  const std::optional<json::object> set = parse_json_object(text, jwks_depth);
  const json::value* list = set ? set->if_contains("keys") : nullptr;
  if (!list || !list->is_array()) return KeyError{"no JWK set: {\"keys\": [...]}"};
  const json::array& members = list->get_array();
  if (members.size() > most_keys)
    return KeyError{"more than " + std::to_string(most_keys) + " keys"};
  std::vector<Key> keys;
  for (const json::value& member : members) {
    if (!member.is_object()) return KeyError{"a key in the set is no object"};
    if (std::optional<Key> key = make_key(member.get_object())) keys.push_back(*std::move(key));
  }
  if (keys.empty())
    return KeyError{"no key in the set can verify signatures; RSA, EC P-256, Ed25519 and oct can"};
  return keys;
}

}  // namespace larder::identity
