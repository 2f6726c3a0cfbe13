#include "identity/verification.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "identity/digest.hpp"

namespace larder::identity {

namespace {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::sys_seconds;

std::string_view view_of(const json::string& text) {
  return {text.data(), text.size()};
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// RFC 7519 2, NumericDate: seconds, which may have a fraction; it is dropped, as PyJWT does.
/// Nothing when it is no number, negative, or beyond any clock.
std::optional<sys_seconds> parse_numeric_date(const json::value& value) {
  constexpr std::int64_t latest = 253402300799;  // the end of the year 9999
  std::int64_t count = -1;
  if (value.is_int64()) {
    count = value.get_int64();
  } else if (value.is_double()) {
    const double number = value.get_double();
    if (number >= 0 && number <= static_cast<double>(latest))
      count = static_cast<std::int64_t>(std::floor(number));
  }
  if (count < 0 || count > latest) return std::nullopt;
  return sys_seconds(seconds(count));
}

/// The text of a claim that names somebody. 7 and "7" are one: simplejwt has written both.
std::optional<std::string> identifying_text(const json::value& value) {
  if (value.is_string()) {
    if (value.get_string().empty()) return std::nullopt;
    return std::string(view_of(value.get_string()));
  }
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  return std::nullopt;
}

/// RFC 7519 4.1.3: one text or a list of them. Who is not meant by it must refuse the token.
bool is_meant_for(const json::value* audience, const std::vector<std::string>& ours) {
  if (!audience) return ours.empty();
  if (audience->is_string()) return contains(ours, view_of(audience->get_string()));
  if (!audience->is_array()) return false;
  const json::array& list = audience->get_array();
  const bool all_text =
      std::all_of(list.begin(), list.end(), [](const json::value& one) { return one.is_string(); });
  return all_text && std::any_of(list.begin(), list.end(), [&](const json::value& one) {
           return contains(ours, view_of(one.get_string()));
         });
}

bool is_text_among(const json::value* value, const std::vector<std::string>& words) {
  return value && value->is_string() && contains(words, view_of(value->get_string()));
}

bool is_signed(const Token& token, const std::vector<Key>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    const bool is_named = token.kid.empty() || key.kid.empty() || token.kid == key.kid;
    return is_named && is_signed_with(key, token.algorithm, token.signing_input, token.signature);
  });
}

struct Lifetime {
  std::optional<Unverified> wrong{};
  sys_seconds begins_at{};
  sys_seconds expires_at{};
};

Lifetime judge_lifetime(const json::object& claims, seconds leeway, sys_seconds now) {
  const json::value* exp = claims.if_contains("exp");
  const std::optional<sys_seconds> expires = exp ? parse_numeric_date(*exp) : std::nullopt;
  if (!expires) return {.wrong = Unverified::claims};
  const sys_seconds expires_at = *expires + leeway;
  // RFC 7519 4.1.4: not on or after.
  if (now >= expires_at) return {.wrong = Unverified::expired};
  sys_seconds begins_at{};
  for (const char* name : {"nbf", "iat"}) {
    const json::value* value = claims.if_contains(name);
    if (!value) continue;
    const std::optional<sys_seconds> begins = parse_numeric_date(*value);
    if (!begins) return {.wrong = Unverified::claims};
    if (*begins > now + leeway) return {.wrong = Unverified::not_yet_valid};
    begins_at = std::max(begins_at, *begins - leeway);
  }
  return {std::nullopt, begins_at, expires_at};
}

}  // namespace

Verification verify(std::string_view text, const TokenRules& rules, sys_seconds now) {
  const std::optional<Token> token = parse_token(text);
  if (!token) return Unverified::malformed;
  if (std::find(rules.algorithms.begin(), rules.algorithms.end(), token->algorithm) ==
      rules.algorithms.end())
    return Unverified::algorithm;
  if (!is_signed(*token, rules.keys)) return Unverified::signature;

  const json::object& claims = token->claims;
  const Lifetime lifetime = judge_lifetime(claims, rules.leeway, now);
  if (lifetime.wrong) return *lifetime.wrong;
  if (!is_meant_for(claims.if_contains("aud"), rules.audiences)) return Unverified::audience;
  if (!rules.issuer.empty() && !is_text_among(claims.if_contains("iss"), {rules.issuer}))
    return Unverified::issuer;
  // A refresh token is signed with the same key, lives longer, and is no credential for reading.
  if (!rules.token_types.empty() && claims.contains("token_type") &&
      !is_text_among(claims.if_contains("token_type"), rules.token_types))
    return Unverified::claims;
  const json::value* claim = claims.if_contains(rules.claim);
  const std::optional<std::string> who = claim ? identifying_text(*claim) : std::nullopt;
  if (!who) return Unverified::claims;

  Verified verified;
  verified.digest = digest_of({"token", rules.issuer, rules.claim, *who});
  verified.begins_at = lifetime.begins_at;
  verified.expires_at = lifetime.expires_at;
  for (const json::key_value_pair& member : claims)
    verified.claims.emplace_back(std::string(member.key().data(), member.key().size()),
                                 json::serialize(member.value()));
  return verified;
}

}  // namespace larder::identity
