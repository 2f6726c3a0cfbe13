// Keys: the examples of the RFCs, and that no key is used for what it was not made for.
#include "identity/keys.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "identity/base64url.hpp"
#include "support/tokens.hpp"

namespace larder::identity {
namespace {

std::string bytes(std::string_view text) {
  const auto decoded = decode_base64url(text);
  REQUIRE(decoded);
  return *decoded;
}

Key only_key(std::string_view jwk) {
  auto parsed = parse_jwks(R"({"keys":[)" + std::string(jwk) + "]}");
  REQUIRE(std::holds_alternative<std::vector<Key>>(parsed));
  REQUIRE(std::get<std::vector<Key>>(parsed).size() == 1);
  return std::get<std::vector<Key>>(parsed).front();
}

/// The claims of RFC 7515 appendix A.
const std::string rfc_claims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
constexpr std::string_view rsa_jwk =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr std::string_view ec_jwk =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr std::string_view ed_jwk =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view oct_jwk =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";

struct Example {
  const char* name;
  std::string_view jwk;
  Algorithm algorithm;
  std::string input;
  std::string_view signature;
};
std::vector<Example> examples() {
  return {
      {"HS256 (RFC 7515 A.1)", oct_jwk, Algorithm::hs256,
       "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfc_claims,
       "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
      {"RS256 (RFC 7515 A.2)", rsa_jwk, Algorithm::rs256, "eyJhbGciOiJSUzI1NiJ9." + rfc_claims,
       "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
       "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv"
       "kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCn"
       "vWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
      {"ES256 (RFC 7515 A.3)", ec_jwk, Algorithm::es256, "eyJhbGciOiJFUzI1NiJ9." + rfc_claims,
       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {"EdDSA (RFC 8037 A.4)", ed_jwk, Algorithm::eddsa,
       "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
  };
}

constexpr Algorithm all_algorithms[] = {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512,
                                        Algorithm::rs256, Algorithm::es256, Algorithm::eddsa};

TEST_CASE("is_signed_with: the examples of the RFCs, and nothing near them") {
  for (const Example& example : examples()) {
    CAPTURE(example.name);
    const Key key = only_key(example.jwk);
    const std::string signature = bytes(example.signature);
    CHECK(is_signed_with(key, example.algorithm, example.input, signature));
    CHECK_FALSE(is_signed_with(key, example.algorithm, example.input + "A", signature));
    CHECK_FALSE(is_signed_with(key, example.algorithm, example.input.substr(1), signature));
    CHECK_FALSE(is_signed_with(key, example.algorithm, example.input, ""));
    CHECK_FALSE(is_signed_with(key, example.algorithm, example.input, signature + '\0'));
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      std::string flipped = signature;
      flipped[i] = static_cast<char>(flipped[i] ^ 1);
      CHECK_FALSE(is_signed_with(key, example.algorithm, example.input, flipped));
      CHECK_FALSE(is_signed_with(key, example.algorithm, example.input, signature.substr(0, i)));
    }
    for (const Algorithm other : all_algorithms) {
      if (other != example.algorithm)
        CHECK_FALSE(is_signed_with(key, other, example.input, signature));
    }
    Key elsewhere = key;
    elsewhere.only = example.algorithm == Algorithm::hs256 ? Algorithm::hs512 : Algorithm::hs256;
    CHECK_FALSE(is_signed_with(elsewhere, example.algorithm, example.input, signature));
  }
}

TEST_CASE("is_signed_with: HS384 and HS512") {
  Key key;
  key.secret = test::secret;
  const std::string input = "e30.e30";
  CHECK(
      is_signed_with(key, Algorithm::hs384, input, test::hmac(EVP_sha384(), test::secret, input)));
  CHECK(
      is_signed_with(key, Algorithm::hs512, input, test::hmac(EVP_sha512(), test::secret, input)));
  CHECK_FALSE(
      is_signed_with(key, Algorithm::hs512, input, test::hmac(EVP_sha384(), test::secret, input)));
  const Key nothing;
  CHECK_FALSE(
      is_signed_with(nothing, Algorithm::hs256, input, test::hmac(EVP_sha256(), "", input)));
}

/// "Psychic signatures": R and S of zero, and of the group's order.
TEST_CASE("is_signed_with: ECDSA out of range") {
  const Key key = only_key(ec_jwk);
  CHECK_FALSE(is_signed_with(key, Algorithm::es256, "e30.e30", std::string(64, '\0')));
  const std::string order = bytes("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  CHECK_FALSE(is_signed_with(key, Algorithm::es256, "e30.e30", order + order));
}

std::string pem_of(EVP_PKEY* made) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(made, EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  REQUIRE(PEM_write_bio_PUBKEY(out.get(), key.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST_CASE("parse_public_key: which keys, and which not") {
  const auto family = [](const std::string& pem) {
    const auto parsed = parse_public_key(pem);
    const Key* key = std::get_if<Key>(&parsed);
    return key ? std::optional(key->family) : std::nullopt;
  };
  CHECK(family(pem_of(EVP_RSA_gen(2048))) == KeyFamily::rsa);
  CHECK_FALSE(family(pem_of(EVP_RSA_gen(1024))));
  CHECK(family(pem_of(EVP_EC_gen("P-256"))) == KeyFamily::p256);
  CHECK_FALSE(family(pem_of(EVP_EC_gen("P-384"))));
  CHECK(family(pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))) == KeyFamily::ed25519);
  CHECK_FALSE(family(pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"))));
  CHECK_FALSE(family(""));
  CHECK_FALSE(family("hunter2"));
  CHECK_FALSE(family("-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----\n"));
}

TEST_CASE("a public key is never a secret (RFC 8725 2.1)") {
  const std::string pem = pem_of(EVP_RSA_gen(2048));
  CHECK(std::holds_alternative<KeyError>(make_secret_key(pem)));
  CHECK(std::holds_alternative<KeyError>(make_secret_key("")));
  CHECK(std::holds_alternative<Key>(make_secret_key("s")));
  const Key key = std::get<Key>(parse_public_key(pem));
  CHECK_FALSE(
      is_signed_with(key, Algorithm::hs256, "e30.e30", test::hmac(EVP_sha256(), pem, "e30.e30")));
}

TEST_CASE("parse_jwks: what is used, what is left out, what is refused") {
  struct Case {
    const char* name;
    std::string text;
    int keys;  ///< -1: refused
  };
  const auto set = [](std::initializer_list<std::string_view> keys) {
    std::string text;
    for (const std::string_view key : keys) text.append(text.empty() ? "" : ",").append(key);
    return R"({"keys":[)" + text + "]}";
  };
  const auto with = [](std::string_view jwk, std::string_view member) {
    return std::string(jwk.substr(0, jwk.size() - 1)) + "," + std::string(member) + "}";
  };
  std::string many;
  for (std::size_t i = 0; i <= most_keys; ++i) many.append(i ? "," : "").append(oct_jwk);
  const Case cases[] = {
      {"one of each kind", set({rsa_jwk, ec_jwk, ed_jwk, oct_jwk}), 4},
      {"for signatures", set({with(rsa_jwk, R"("use":"sig","key_ops":["verify"])")}), 1},
      {"for encryption", set({with(rsa_jwk, R"("use":"enc")"), ec_jwk}), 1},
      {"for signing alone", set({with(rsa_jwk, R"("key_ops":["sign"])"), ec_jwk}), 1},
      {"for another algorithm", set({with(rsa_jwk, R"("alg":"RSA-OAEP")"), ec_jwk}), 1},
      {"of an unknown kind", set({R"({"kty":"AKP"})", ec_jwk}), 1},
      {"on another curve", set({R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})", ec_jwk}), 1},
      {"a point beside the curve",
       set({R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})",
            oct_jwk}),
       1},
      {"an RSA key of 8 bits", set({R"({"kty":"RSA","n":"oQ","e":"AQAB"})", ec_jwk}), 1},
      {"an empty secret", set({R"({"kty":"oct","k":""})", ec_jwk}), 1},
      {"nothing that can be used", set({R"({"kty":"oct"})"}), -1},
      {"no keys", set({}), -1},
      {"no set", std::string(rsa_jwk), -1},
      {"no object", "[]", -1},
      {"not JSON", "hunter2", -1},
      {"a name twice", R"({"keys":[],"keys":[]})", -1},
      {"a key that is none", R"({"keys":[1]})", -1},
      {"too many", R"({"keys":[)" + many + "]}", -1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto parsed = parse_jwks(c.text);
    if (const auto* error = std::get_if<KeyError>(&parsed)) {
      CHECK(c.keys == -1);
      CHECK(error->why.find("hunter2") == std::string::npos);
    } else {
      CHECK(std::get<std::vector<Key>>(parsed).size() == static_cast<std::size_t>(c.keys));
    }
  }
}

}  // namespace
}  // namespace larder::identity
