#include "identity/token.hpp"

#include <string>

#include <doctest/doctest.h>

#include "identity/base64url.hpp"
#include "support/tokens.hpp"

namespace larder::identity {
namespace {

using test::make_token;

TEST_CASE("decode_base64url: one way to write bytes, and no other") {
  CHECK(decode_base64url("") == "");
  CHECK(decode_base64url("Zg") == "f");
  CHECK(decode_base64url("Zm8") == "fo");
  CHECK(decode_base64url("Zm9v") == "foo");
  CHECK(decode_base64url("-_-_") == "\xfb\xff\xbf");
  for (const char* wrong :
       {"Z", "Zm9vY", "Zg==", "Zg=", "Zh", "Zm9", "Zm 9v", "Zm9v\n", "+/+/", "Zm9\xc3", "Zm9."}) {
    CAPTURE(wrong);
    CHECK_FALSE(decode_base64url(wrong));
  }
}

TEST_CASE("parse_token: what is a token, and what is not") {
  struct Case {
    const char* name;
    const char* header;
    const char* claims;
    bool accepted;
  };
  const Case cases[] = {
      {"the plain one", R"({"alg":"HS256"})", R"({"a":1})", true},
      {"with white space", " {\r\n \"alg\" : \"HS256\" }\r\n", " { } ", true},
      {"of type JWT in any case", R"({"alg":"HS256","typ":"jwt"})", "{}", true},
      {"an access token (RFC 9068)", R"({"alg":"HS256","typ":"at+JWT"})", "{}", true},
      {"with the whole media type", R"({"alg":"HS256","typ":"application/at+jwt"})", "{}", true},
      {"a proof of possession is no access token", R"({"alg":"HS256","typ":"dpop+jwt"})", "{}",
       false},
      {"a type that is no text", R"({"alg":"HS256","typ":1})", "{}", false},
      {"alg none", R"({"alg":"none"})", "{}", false},
      {"alg None", R"({"alg":"None"})", "{}", false},
      {"alg in other case", R"({"alg":"hs256"})", "{}", false},
      {"alg unknown", R"({"alg":"HS257"})", "{}", false},
      {"alg of encryption", R"({"alg":"dir","enc":"A128GCM"})", "{}", false},
      {"no alg", R"({"typ":"JWT"})", "{}", false},
      {"alg no text", R"({"alg":["HS256"]})", "{}", false},
      {"alg twice", R"({"alg":"HS256","alg":"none"})", "{}", false},
      {"alg twice, once escaped", R"({"alg":"HS256","\u0061lg":"none"})", "{}", false},
      {"a critical extension", R"({"alg":"HS256","crit":["exp"]})", "{}", false},
      {"an empty list of them", R"({"alg":"HS256","crit":[]})", "{}", false},
      {"content that is not encoded", R"({"alg":"HS256","b64":false})", "{}", false},
      {"a token within", R"({"alg":"HS256","cty":"JWT"})", "{}", false},
      {"a kid", R"({"alg":"HS256","kid":"k1"})", "{}", true},
      {"a kid that is no text", R"({"alg":"HS256","kid":1})", "{}", false},
      {"an empty kid", R"({"alg":"HS256","kid":""})", "{}", false},
      {"keys that the token brings along mean nothing", R"({"alg":"HS256","jwk":{"kty":"oct"}})",
       "{}", true},
      {"a header that is no object", R"(["HS256"])", "{}", false},
      {"a header that goes on", R"({"alg":"HS256"}{})", "{}", false},
      {"a header cut off", R"({"alg":"HS256")", "{}", false},
      {"no claims", R"({"alg":"HS256"})", "", false},
      {"claims that are no object", R"({"alg":"HS256"})", "[1]", false},
      {"claims twice", R"({"alg":"HS256"})", R"({"user_id":1,"user_id":2})", false},
      {"claims twice, deeper down", R"({"alg":"HS256"})", R"({"a":{"b":1,"b":2}})", false},
      {"the same name in two objects", R"({"alg":"HS256"})", R"({"a":{"b":1},"c":{"b":1}})", true},
      {"claims that are not UTF-8", R"({"alg":"HS256"})", "{\"a\":\"\xff\"}", false},
      {"claims with a comment", R"({"alg":"HS256"})", "{}/**/", false},
      {"eight levels", R"({"alg":"HS256"})", R"({"a":[[[[[[[]]]]]]]})", true},
      {"nine levels", R"({"alg":"HS256"})", R"({"a":[[[[[[[[]]]]]]]]})", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_token(make_token(c.claims, c.header)).has_value() == c.accepted);
  }
}

TEST_CASE("parse_token: three parts, each in base64url, and not too long") {
  const std::string whole = make_token("{}");
  const std::string header = whole.substr(0, whole.find('.'));
  const std::string unsigned_part = whole.substr(0, whole.rfind('.'));
  REQUIRE(parse_token(whole));
  for (const std::string& wrong :
       {std::string(), header, unsigned_part, unsigned_part + ".", whole + ".", whole + ".e30",
        "." + whole, whole + "=", whole + " ", " " + whole, whole + "\n",
        header + "=" + whole.substr(header.size())}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_token(wrong));
  }
  std::string claims = R"({"a":")" + std::string(longest_token, 'x') + R"("})";
  CHECK_FALSE(parse_token(make_token(claims)));
  claims = R"({"a":")" + std::string(longest_token / 2, 'x') + R"("})";
  CHECK(parse_token(make_token(claims)));
}

}  // namespace
}  // namespace larder::identity
