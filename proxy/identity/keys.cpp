#include "identity/keys.hpp"

#include <array>
#include <utility>

#include <climits>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

namespace larder::identity {

namespace {

constexpr int fewest_rsa_bits = 2048;
constexpr int most_rsa_bits = 8192;  // verifying with more would cost each forged token too much
constexpr std::size_t p256_bytes = 32;

template <class Type, auto free>
struct Freed {
  void operator()(Type* pointer) const { free(pointer); }
};
template <class Type, auto free>
using Owned = std::unique_ptr<Type, Freed<Type, free>>;
using OwnedNumber = Owned<BIGNUM, BN_free>;
using OwnedContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

/// What a call of OpenSSL leaves behind in its thread's queue means nothing to the next one.
struct ErrorsCleared {
  ErrorsCleared() = default;
  ErrorsCleared(const ErrorsCleared&) = delete;
  ErrorsCleared& operator=(const ErrorsCleared&) = delete;
  ~ErrorsCleared() { ERR_clear_error(); }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::shared_ptr<EVP_PKEY> share(EVP_PKEY* key) {
  return key ? std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free) : nullptr;
}

OwnedNumber number_of(std::string_view bytes) {
  return OwnedNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> make_key(const char* type, OSSL_PARAM_BLD* build) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(build));
  const OwnedContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  std::shared_ptr<EVP_PKEY> made = share(key);
  // A point that is not on its curve, for one.
  const OwnedContext checking(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!checking || EVP_PKEY_public_check(checking.get()) != 1) return nullptr;
  return made;
}

std::optional<KeyFamily> family_of_key(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return KeyFamily::rsa;
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyFamily::ed25519;
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> group{};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1 &&
        std::string_view(group.data(), length) == "prime256v1")
      return KeyFamily::p256;
  }
  return std::nullopt;
}

bool has_fitting_size(EVP_PKEY* key, KeyFamily family) {
  if (family != KeyFamily::rsa) return true;
  const int bits = EVP_PKEY_get_bits(key);
  return bits >= fewest_rsa_bits && bits <= most_rsa_bits;
}

bool is_hmac_of(const std::string& secret, const EVP_MD* hash, std::string_view input,
                std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
  unsigned size = 0;
  if (secret.empty() || secret.size() > INT_MAX ||
      !HMAC(hash, secret.data(), static_cast<int>(secret.size()), bytes_of(input), input.size(),
            expected.data(), &size))
    return false;
  return signature.size() == size && CRYPTO_memcmp(expected.data(), signature.data(), size) == 0;
}

/// RFC 7518 3.4: R and S one after the other; OpenSSL wants them in DER.
std::optional<std::string> make_der_signature(std::string_view signature) {
  if (signature.size() != 2 * p256_bytes) return std::nullopt;
  const Owned<ECDSA_SIG, ECDSA_SIG_free> parts(ECDSA_SIG_new());
  OwnedNumber r = number_of(signature.substr(0, p256_bytes));
  OwnedNumber s = number_of(signature.substr(p256_bytes));
  if (!parts || !r || !s || ECDSA_SIG_set0(parts.get(), r.get(), s.get()) != 1) return std::nullopt;
  // They belong to the signature now.
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  if (size <= 0) return std::nullopt;
  std::string encoded(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return encoded;
}

/// `hash` is null where the algorithm has its own.
bool is_verified(EVP_PKEY* key, const EVP_MD* hash, std::string_view input,
                 std::string_view signature) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input),
                          input.size()) == 1;
}

}  // namespace

KeyFamily family_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256:
    case Algorithm::hs384:
    case Algorithm::hs512:
      return KeyFamily::hmac;
    case Algorithm::rs256:
      return KeyFamily::rsa;
    case Algorithm::es256:
      return KeyFamily::p256;
    case Algorithm::eddsa:
      break;
  }
  return KeyFamily::ed25519;
}

std::variant<Key, KeyError> make_secret_key(std::string secret) {
  if (secret.empty()) return KeyError{"the secret is empty"};
  if (secret.find("-----BEGIN") != std::string::npos || secret.starts_with("ssh-"))
    return KeyError{"this is a key pair's key, not a secret; a public key goes into 'public_key'"};
  Key key;
  key.secret = std::move(secret);
  return key;
}

std::variant<Key, KeyError> parse_public_key(std::string_view pem) {
  const ErrorsCleared cleared;
  if (pem.size() > INT_MAX) return KeyError{"too large for a key"};
  const Owned<BIO, BIO_free> bytes(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Key key;
  key.public_key =
      share(bytes ? PEM_read_bio_PUBKEY(bytes.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key.public_key) return KeyError{"no public key in PEM (-----BEGIN PUBLIC KEY-----)"};
  const std::optional<KeyFamily> family = family_of_key(key.public_key.get());
  if (!family)
    return KeyError{"a key of a kind that is not known here; RSA, EC P-256 and Ed25519 are"};
  if (!has_fitting_size(key.public_key.get(), *family))
    return KeyError{"an RSA key must have 2048 to 8192 bits"};
  key.family = *family;
  return key;
}

std::shared_ptr<EVP_PKEY> make_rsa_key(std::string_view n, std::string_view e) {
  const ErrorsCleared cleared;
  if (n.empty() || e.empty() || n.size() > most_rsa_bits / 8 || e.size() > 8) return nullptr;
  const OwnedNumber modulus = number_of(n);
  const OwnedNumber exponent = number_of(e);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !build ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  std::shared_ptr<EVP_PKEY> key = make_key("RSA", build.get());
  return key && has_fitting_size(key.get(), KeyFamily::rsa) ? key : nullptr;
}

std::shared_ptr<EVP_PKEY> make_p256_key(std::string_view x, std::string_view y) {
  const ErrorsCleared cleared;
  if (x.size() != p256_bytes || y.size() != p256_bytes) return nullptr;
  std::string point(1, '\x04');  // uncompressed (SEC 1, 2.3.3)
  point.append(x).append(y);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  if (!build ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  return make_key("EC", build.get());
}

std::shared_ptr<EVP_PKEY> make_ed25519_key(std::string_view x) {
  const ErrorsCleared cleared;
  return share(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()));
}

bool is_signed_with(const Key& key, Algorithm algorithm, std::string_view input,
                    std::string_view signature) {
  const ErrorsCleared cleared;
  if (key.family != family_of(algorithm) || (key.only && key.only != algorithm)) return false;
  switch (algorithm) {
    case Algorithm::hs256:
      return is_hmac_of(key.secret, EVP_sha256(), input, signature);
    case Algorithm::hs384:
      return is_hmac_of(key.secret, EVP_sha384(), input, signature);
    case Algorithm::hs512:
      return is_hmac_of(key.secret, EVP_sha512(), input, signature);
    case Algorithm::rs256:
      return is_verified(key.public_key.get(), EVP_sha256(), input, signature);
    case Algorithm::es256: {
      const std::optional<std::string> der = make_der_signature(signature);
      return der && is_verified(key.public_key.get(), EVP_sha256(), input, *der);
    }
    case Algorithm::eddsa:
      break;
  }
  return is_verified(key.public_key.get(), nullptr, input, signature);
}

}  // namespace larder::identity
