#include "identity/identifier.hpp"

#include <string>

#include <doctest/doctest.h>

#include "support/heads.hpp"
#include "support/tokens.hpp"

namespace larder::identity {
namespace {

using test::make_token;
using test::Request;

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'000'000)};

std::shared_ptr<const TokenRules> make_rules() {
  auto rules = std::make_shared<TokenRules>();
  rules->keys.push_back(std::get<Key>(make_secret_key(std::string(test::secret))));
  rules->algorithms = {Algorithm::hs256};
  return rules;
}

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token;
}
std::string token_of(int user) {
  return make_token(R"({"user_id":)" + std::to_string(user) + R"(,"exp":2000000})");
}

Request request_with(const std::vector<std::string>& fields) {
  Request request({"GET / HTTP/1.1", "Host: x"});
  *request.text = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& field : fields) *request.text += field + "\r\n";
  *request.text += "\r\n";
  REQUIRE(http::parse_request_head(*request.text, {}, request.head) == http::HeadError::none);
  return request;
}

Identification identify(Identifier& identifier, std::initializer_list<std::string> fields,
                        std::chrono::sys_seconds at = now) {
  Identification found = identifier.identify(request_with(fields).head.fields, at);
  // The request is gone.
  if (auto* identity = std::get_if<Identity>(&found)) identity->authorization = {};
  return found;
}

TEST_CASE("identify: by what, and when not") {
  const NotIdentified nobody{Unidentified::no_credentials};
  const NotIdentified several{Unidentified::several};
  const std::string seven = token_of(7);
  struct Case {
    const char* name;
    std::vector<std::string> fields;
    std::optional<NotIdentified> by_token, by_both;  ///< nothing: identified
  };
  const Case cases[] = {
      {"no credentials", {}, nobody, nobody},
      {"a token", {bearer(seven)}, {}, {}},
      {"the scheme in another case", {"Authorization: bearer " + seven}, {}, {}},
      {"two spaces", {"Authorization: Bearer  " + seven}, {}, {}},
      {"another scheme", {"Authorization: Basic YTpi"}, nobody, nobody},
      {"a token without scheme", {"Authorization: " + seven}, nobody, nobody},
      {"a scheme without token", {"Authorization: Bearer"}, nobody, nobody},
      {"two tokens in one field",
       {bearer(seven + " " + seven)},
       NotIdentified{Unidentified::token, Unverified::malformed},
       NotIdentified{Unidentified::token, Unverified::malformed}},
      {"two fields", {bearer(seven), bearer(seven)}, several, several},
      {"an expired token",
       {bearer(make_token(R"({"user_id":7,"exp":1})"))},
       NotIdentified{Unidentified::token, Unverified::expired},
       NotIdentified{Unidentified::token, Unverified::expired}},
      {"a session", {"Cookie: a=b; sessionid=abc"}, nobody, {}},
      {"an empty session", {"Cookie: sessionid="}, nobody, nobody},
      {"another cookie", {"Cookie: xsessionid=abc"}, nobody, nobody},
      {"a token and another cookie", {bearer(seven), "Cookie: a=b"}, {}, {}},
      {"a token and a session", {bearer(seven), "Cookie: sessionid=abc"}, several, several},
      {"a token and a session that a server trims",
       {bearer(seven), "Cookie: sessionid =abc"},
       several,
       several},
      {"another scheme and a session",
       {"Authorization: Basic YTpi", "Cookie: sessionid=abc"},
       several,
       several},
      {"a session twice", {"Cookie: sessionid=a; sessionid=b"}, several, several},
      {"and in two fields", {"Cookie: sessionid=a", "Cookie: sessionid=b"}, several, several},
      {"two sessions", {"Cookie: sessionid=a; sid=b"}, several, several},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    for (const bool by_session : {false, true}) {
      CAPTURE(by_session);
      Identifier identifier(make_rules(), {"sessionid", "sid"}, by_session);
      const Request request = request_with(c.fields);
      const Identification found = identifier.identify(request.head.fields, now);
      const auto& expected = by_session ? c.by_both : c.by_token;
      const auto* not_identified = std::get_if<NotIdentified>(&found);
      CHECK((not_identified ? std::optional(*not_identified) : std::nullopt) == expected);
    }
  }
}

TEST_CASE("identify: different people differ, however they are told") {
  Identifier identifier(make_rules(), {"sessionid", "sid"}, true);
  const auto digest = [&](std::initializer_list<std::string> fields) {
    return *std::get<Identity>(identify(identifier, fields)).digest;
  };
  const std::string seven = digest({bearer(token_of(7))});
  CHECK(seven == digest({bearer(token_of(7))}));
  CHECK(seven != digest({bearer(token_of(8))}));
  CHECK(seven != digest({"Cookie: sessionid=7"}));
  CHECK(digest({"Cookie: sessionid=7"}) != digest({"Cookie: sid=7"}));
  CHECK(digest({"Cookie: sessionid=7"}) != digest({"Cookie: sessionid=77"}));
  CHECK(digest({"Cookie: sessionid=7"}) == digest({"Cookie: a=b; sessionid=7; c=d"}));
}

TEST_CASE("identify: what goes with a fill") {
  Identifier identifier(make_rules(), {"sessionid"}, true);
  const std::string seven = token_of(7);
  const Request request = request_with({bearer(seven), "Cookie: a=b"});
  const auto by_token = std::get<Identity>(identifier.identify(request.head.fields, now));
  CHECK(by_token.authorization == "Bearer " + seven);
  CHECK(by_token.cookie == "");
  CHECK_FALSE(by_token.is_only_one);
  const auto by_session = std::get<Identity>(identify(identifier, {"Cookie: a=b; sessionid=x"}));
  CHECK(by_session.authorization == "");
  CHECK(by_session.cookie == "sessionid=x");
  CHECK_FALSE(by_session.is_only_one);
  Identifier tokens_alone(make_rules(), {"sessionid"}, false);
  CHECK(std::get<Identity>(identify(tokens_alone, {bearer(seven)})).is_only_one);
}

TEST_CASE("identify: a token that was verified expires all the same") {
  Identifier identifier(make_rules(), {}, false);
  const std::string token = bearer(make_token(R"({"user_id":7,"exp":1000010})"));
  const auto at = [&](int seconds) {
    const Identification found = identify(identifier, {token}, now + std::chrono::seconds(seconds));
    return std::holds_alternative<Identity>(found);
  };
  CHECK(at(0));
  CHECK(at(9));
  CHECK_FALSE(at(10));
  CHECK(at(9));  // a clock that went back
}

TEST_CASE("identify: a token is verified once") {
  Identifier identifier(make_rules(), {}, false);
  const auto verified = [&](const std::string& token, int seconds = 0) {
    const Identification found =
        identify(identifier, {bearer(token)}, now + std::chrono::seconds(seconds));
    const auto* identity = std::get_if<Identity>(&found);
    return identity ? identity->token : nullptr;
  };
  // What is verified anew is another object.
  const std::string token = make_token(R"({"user_id":7,"exp":1000010,"nbf":1000000})");
  const auto first = verified(token);
  REQUIRE(first);
  CHECK(verified(token) == first);
  CHECK(verified(token, 9) == first);
  const auto other = verified(token_of(7));
  REQUIRE(other);
  CHECK(other != first);
  CHECK(verified(token, 5) == first);
  CHECK_FALSE(verified(token, -1));
  CHECK_FALSE(verified(token, 10));
  CHECK(verified(token) == first);
}

TEST_CASE("identify: what is like a token that was verified is verified") {
  Identifier identifier(make_rules(), {}, false);
  const auto why = [&](const std::string& token) {
    const Identification found = identify(identifier, {bearer(token)});
    const auto* nobody = std::get_if<NotIdentified>(&found);
    return nobody ? std::optional(nobody->token) : std::nullopt;
  };
  const std::string token = token_of(7);
  REQUIRE_FALSE(why(token));
  const std::string signed_part = token.substr(0, token.rfind('.'));
  const std::string of_another = token_of(8);
  CHECK(why(signed_part + of_another.substr(of_another.rfind('.'))) == Unverified::signature);
  CHECK(why(token + "A") == Unverified::signature);
  CHECK(why(token.substr(0, token.size() - 3)) == Unverified::signature);
  CHECK(why(signed_part + ".") == Unverified::malformed);
  CHECK(why(signed_part) == Unverified::malformed);
  CHECK_FALSE(why(token));
}

TEST_CASE("identify: with other keys nothing is remembered") {
  const std::string token = bearer(token_of(7));
  Identifier before(make_rules(), {}, false);
  REQUIRE(std::holds_alternative<Identity>(identify(before, {token})));
  auto rules = std::make_shared<TokenRules>(*make_rules());
  rules->keys = {std::get<Key>(make_secret_key("another secret, as long as the one it replaces"))};
  before = Identifier(rules, {}, false);
  const NotIdentified refused{Unidentified::token, Unverified::signature};
  CHECK(std::get<NotIdentified>(identify(before, {token})) == refused);
}

TEST_CASE("VerifiedTokens: bounded in number and in bytes, the oldest goes first") {
  VerifiedTokens tokens;
  auto verified = std::make_shared<Verified>();
  verified->expires_at = now + std::chrono::seconds(1);
  for (std::size_t i = 0; i < VerifiedTokens::most_tokens + 10; ++i)
    tokens.add(std::to_string(i), verified);
  CHECK(tokens.size() == VerifiedTokens::most_tokens);
  CHECK_FALSE(tokens.find("9", now));
  CHECK(tokens.find("10", now));
  CHECK_FALSE(tokens.find("10", now + std::chrono::seconds(1)));
  CHECK_FALSE(tokens.find("1", now));
  const std::string large(longest_token - 8, 'x');
  for (int i = 0; i < 1000; ++i) tokens.add(large + std::to_string(i), verified);
  CHECK(tokens.bytes() <= VerifiedTokens::most_bytes);
  CHECK(tokens.find(large + "999", now));
  CHECK_FALSE(tokens.find(large + "0", now));
}

}  // namespace
}  // namespace larder::identity
