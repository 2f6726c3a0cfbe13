#include "identity/verification.hpp"

#include <functional>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "support/tokens.hpp"

namespace larder::identity {
namespace {

using test::make_token;
using Why = std::optional<Unverified>;

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'000'000)};

TokenRules make_rules() {
  TokenRules rules;
  rules.keys.push_back(std::get<Key>(make_secret_key(std::string(test::secret))));
  rules.algorithms = {Algorithm::hs256};
  return rules;
}

Why why_not(const std::string& token, const TokenRules& rules, std::chrono::sys_seconds at = now) {
  const Verification verification = verify(token, rules, at);
  const auto* why = std::get_if<Unverified>(&verification);
  return why ? Why(*why) : std::nullopt;
}

std::string digest(const std::string& token, const TokenRules& rules) {
  const Verification verification = verify(token, rules, now);
  REQUIRE(std::holds_alternative<Verified>(verification));
  return std::get<Verified>(verification).digest;
}

TEST_CASE("verify: claims") {
  using Change = std::function<void(TokenRules&)>;
  const Change none = [](TokenRules&) {};
  const Change leeway = [](TokenRules& rules) { rules.leeway = std::chrono::seconds(5); };
  const Change audience = [](TokenRules& rules) { rules.audiences = {"api", "app"}; };
  const Change issuer = [](TokenRules& rules) { rules.issuer = "https://issuer"; };
  const Change sub = [](TokenRules& rules) { rules.claim = "sub"; };
  const Change any_type = [](TokenRules& rules) { rules.token_types.clear(); };
  struct Case {
    const char* name;
    const char* claims;
    const Change& change;
    Why expected;
  };
  const Case cases[] = {
      {"true one second before exp", R"({"user_id":7,"exp":1000001})", none, {}},
      {"expired at exp", R"({"user_id":7,"exp":1000000})", none, Unverified::expired},
      {"exp with a fraction is rounded down", R"({"user_id":7,"exp":1000000.9})", none,
       Unverified::expired},
      {"leeway", R"({"user_id":7,"exp":999996})", leeway, {}},
      {"and its end", R"({"user_id":7,"exp":999995})", leeway, Unverified::expired},
      {"without exp it would never end", R"({"user_id":7})", none, Unverified::claims},
      {"exp as text", R"({"user_id":7,"exp":"1000001"})", none, Unverified::claims},
      {"exp null", R"({"user_id":7,"exp":null})", none, Unverified::claims},
      {"exp below zero", R"({"user_id":7,"exp":-1})", none, Unverified::claims},
      {"exp beyond any clock", R"({"user_id":7,"exp":1e300})", none, Unverified::claims},
      {"exp beyond 64 bits", R"({"user_id":7,"exp":18446744073709551615})", none,
       Unverified::claims},
      {"nbf now", R"({"user_id":7,"exp":2000000,"nbf":1000000})", none, {}},
      {"nbf ahead", R"({"user_id":7,"exp":2000000,"nbf":1000001})", none,
       Unverified::not_yet_valid},
      {"nbf within the leeway", R"({"user_id":7,"exp":2000000,"nbf":1000005})", leeway, {}},
      {"nbf no number", R"({"user_id":7,"exp":2000000,"nbf":true})", none, Unverified::claims},
      {"iat ahead, as PyJWT refuses it", R"({"user_id":7,"exp":2000000,"iat":1000001})", none,
       Unverified::not_yet_valid},
      {"aud, and nobody told us who we are (RFC 7519 4.1.3)",
       R"({"user_id":7,"exp":2000000,"aud":"api"})", none, Unverified::audience},
      {"aud", R"({"user_id":7,"exp":2000000,"aud":"app"})", audience, {}},
      {"aud of another", R"({"user_id":7,"exp":2000000,"aud":"ap"})", audience,
       Unverified::audience},
      {"one aud of a list", R"({"user_id":7,"exp":2000000,"aud":["x","api"]})", audience, {}},
      {"none of a list", R"({"user_id":7,"exp":2000000,"aud":["x"]})", audience,
       Unverified::audience},
      {"an empty list", R"({"user_id":7,"exp":2000000,"aud":[]})", audience, Unverified::audience},
      {"a list of more than texts", R"({"user_id":7,"exp":2000000,"aud":["api",1]})", audience,
       Unverified::audience},
      {"no aud", R"({"user_id":7,"exp":2000000})", audience, Unverified::audience},
      {"iss", R"({"user_id":7,"exp":2000000,"iss":"https://issuer"})", issuer, {}},
      {"iss of another", R"({"user_id":7,"exp":2000000,"iss":"https://issuer/"})", issuer,
       Unverified::issuer},
      {"no iss", R"({"user_id":7,"exp":2000000})", issuer, Unverified::issuer},
      {"iss as a list", R"({"user_id":7,"exp":2000000,"iss":["https://issuer"]})", issuer,
       Unverified::issuer},
      {"iss that nobody asks for", R"({"user_id":7,"exp":2000000,"iss":"x"})", none, {}},
      {"an access token", R"({"user_id":7,"exp":2000000,"token_type":"access"})", none, {}},
      {"a refresh token", R"({"user_id":7,"exp":2000000,"token_type":"refresh"})", none,
       Unverified::claims},
      {"a type that is no text", R"({"user_id":7,"exp":2000000,"token_type":null})", none,
       Unverified::claims},
      {"any type", R"({"user_id":7,"exp":2000000,"token_type":"refresh"})", any_type, {}},
      {"a name", R"({"user_id":"ann","exp":2000000})", none, {}},
      {"no name", R"({"sub":"ann","exp":2000000})", none, Unverified::claims},
      {"an empty name", R"({"user_id":"","exp":2000000})", none, Unverified::claims},
      {"a name that is null", R"({"user_id":null,"exp":2000000})", none, Unverified::claims},
      {"a name with a fraction", R"({"user_id":7.5,"exp":2000000})", none, Unverified::claims},
      {"a name that is a list", R"({"user_id":[7],"exp":2000000})", none, Unverified::claims},
      {"a name that is true", R"({"user_id":true,"exp":2000000})", none, Unverified::claims},
      {"another claim", R"({"sub":"ann","exp":2000000})", sub, {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    TokenRules rules = make_rules();
    c.change(rules);
    CHECK(why_not(make_token(c.claims), rules) == c.expected);
  }
}

TEST_CASE("verify: signatures, and what a forger would try") {
  const std::string claims = R"({"user_id":7,"exp":2000000})";
  const TokenRules rules = make_rules();
  const std::string good = make_token(claims);
  const std::string unsigned_part = good.substr(0, good.rfind('.'));
  CHECK(why_not(good, rules) == Why());
  CHECK(why_not(make_token(claims, R"({"alg":"HS256"})", "another secret"), rules) ==
        Unverified::signature);
  CHECK(why_not(make_token(claims, R"({"alg":"HS384"})"), rules) == Unverified::algorithm);
  CHECK(why_not(make_token(claims, R"({"alg":"RS256"})"), rules) == Unverified::algorithm);
  CHECK(why_not(make_token(claims, R"({"alg":"none"})"), rules) == Unverified::malformed);
  CHECK(why_not(test::base64url(R"({"alg":"none"})") + "." + test::base64url(claims) + ".",
                rules) == Unverified::malformed);
  CHECK(why_not(unsigned_part + ".", rules) == Unverified::malformed);
  CHECK(why_not(unsigned_part + ".AAAA", rules) == Unverified::signature);
  // The claims of one token with the signature of another.
  const std::string other = make_token(R"({"user_id":8,"exp":2000000})");
  CHECK(why_not(other.substr(0, other.rfind('.')) + good.substr(good.rfind('.')), rules) ==
        Unverified::signature);
  // An expired token that is forged is forged.
  CHECK(why_not(make_token(R"({"user_id":7,"exp":1})", R"({"alg":"HS256"})", "x"), rules) ==
        Unverified::signature);
  // An algorithm that is allowed, and no key of its kind.
  TokenRules both = make_rules();
  both.algorithms.push_back(Algorithm::rs256);
  CHECK(why_not(make_token(claims, R"({"alg":"RS256"})"), both) == Unverified::signature);
  CHECK(why_not(good, TokenRules{}) == Unverified::algorithm);
}

TEST_CASE("verify: the key that a token names") {
  const std::string claims = R"({"user_id":7,"exp":2000000})";
  const auto named = [](const char* kid, const char* secret) {
    Key key = std::get<Key>(make_secret_key(secret));
    key.kid = kid;
    return key;
  };
  TokenRules rules;
  rules.algorithms = {Algorithm::hs256};
  rules.keys = {named("one", "1"), named("two", "2"), named("", "3")};
  const auto token = [&](const char* header, const char* secret) {
    return make_token(claims, header, secret);
  };
  CHECK(why_not(token(R"({"alg":"HS256","kid":"two"})", "2"), rules) == Why());
  CHECK(why_not(token(R"({"alg":"HS256","kid":"one"})", "2"), rules) == Unverified::signature);
  CHECK(why_not(token(R"({"alg":"HS256","kid":"four"})", "2"), rules) == Unverified::signature);
  CHECK(why_not(token(R"({"alg":"HS256"})", "2"), rules) == Why());
  CHECK(why_not(token(R"({"alg":"HS256","kid":"any"})", "3"), rules) == Why());
}

TEST_CASE("verify: who is who") {
  const TokenRules rules = make_rules();
  const std::string seven = digest(make_token(R"({"user_id":7,"exp":2000000})"), rules);
  CHECK(seven.size() == 64);
  // simplejwt has written both, for one user.
  CHECK(seven == digest(make_token(R"({"user_id":"7","exp":2000000})"), rules));
  CHECK(seven == digest(make_token(R"({"user_id":7,"exp":2000001,"jti":"x"})"), rules));
  CHECK(seven != digest(make_token(R"({"user_id":8,"exp":2000000})"), rules));
  CHECK(seven != digest(make_token(R"({"user_id":"7 ","exp":2000000})"), rules));
  CHECK(seven != digest(make_token(R"({"user_id":-7,"exp":2000000})"), rules));
  TokenRules by_sub = make_rules();
  by_sub.claim = "sub";
  CHECK(seven != digest(make_token(R"({"sub":7,"user_id":7,"exp":2000000})"), by_sub));
}

}  // namespace
}  // namespace larder::identity
