#include "identity/access_token.hpp"

#include <string>

#include <openssl/crypto.h>

#include "http/message.hpp"
#include "identity/digest.hpp"

namespace larder::identity {

bool shows_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view scheme = "bearer ";
  if (token.empty() || authorization.size() <= scheme.size() ||
      !http::equals_ignoring_case(authorization.substr(0, scheme.size()), scheme))
    return false;
  // Digests are of one length whatever was sent.
  const std::string shown = digest_of({authorization.substr(scheme.size())});
  const std::string wanted = digest_of({token});
  return CRYPTO_memcmp(shown.data(), wanted.data(), wanted.size()) == 0;
}

}  // namespace larder::identity
