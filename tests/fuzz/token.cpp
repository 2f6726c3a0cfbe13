// Tokens: what comes is never believed unless it was signed; what was signed names one user, and
// who that is follows from the claims alone. A header and claims to be signed stand on two lines;
// any input is also a token, a JWK set, and base64url.
#include <optional>

#include <boost/json/parse.hpp>

#include "identity/base64url.hpp"
#include "identity/digest.hpp"
#include "identity/identifier.hpp"
#include "oracle.hpp"
#include "support/tokens.hpp"

namespace {

using namespace larder;
using fuzz::require;
namespace json = boost::json;

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'000'000)};

const identity::TokenRules& rules() {
  static const identity::TokenRules made = [] {
    identity::TokenRules rules;
    rules.keys.push_back(
        std::get<identity::Key>(identity::make_secret_key(std::string(test::secret))));
    rules.algorithms = {identity::Algorithm::hs256, identity::Algorithm::hs512,
                        identity::Algorithm::rs256, identity::Algorithm::es256,
                        identity::Algorithm::eddsa};
    return rules;
  }();
  return made;
}

/// Who the claims speak of, read by a parser that is not as strict.
std::optional<std::string> user_of(std::string_view claims) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(claims.data(), claims.size()), error);
  if (error || !value.is_object()) return {};
  const json::value* user = value.get_object().if_contains("user_id");
  if (!user) return {};
  if (user->is_string()) return std::string(user->get_string().c_str(), user->get_string().size());
  if (user->is_int64()) return std::to_string(user->get_int64());
  if (user->is_uint64()) return std::to_string(user->get_uint64());
  return {};
}

void check_signed(std::string_view header, std::string_view claims) {
  const std::string token = test::make_token(claims, header);
  const identity::Verification verification = identity::verify(token, rules(), now);
  const auto* verified = std::get_if<identity::Verified>(&verification);
  if (!verified) return;
  require(verified->expires_at > now, "what has expired is not believed");
  require(header.find("HS256") != header.npos, "nothing else was signed");
  require(header.find("\"crit\"") == header.npos, "nothing critical was understood");
  const auto user = user_of(claims);
  require(user.has_value(), "somebody is named");
  require(verified->digest == identity::digest_of({"token", "", "user_id", *user}),
          "and it is who the claims say");
  require(std::holds_alternative<identity::Unverified>(
              identity::verify(token, rules(), verified->expires_at)),
          "it ends");
  for (std::size_t i = 0; i < token.size(); i += 5) {
    std::string other = token;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    require(std::holds_alternative<identity::Unverified>(identity::verify(other, rules(), now)),
            "not a character of it may change");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Exact exact({reinterpret_cast<const char*>(data), size});
  const std::string_view input = exact.view();
  require(std::holds_alternative<identity::Unverified>(identity::verify(input, rules(), now)),
          "nobody signs without the secret");
  if (const auto bytes = identity::decode_base64url(input))
    require(test::base64url(*bytes) == input, "bytes are written in one way");
  const auto keys = identity::parse_jwks(input);
  (void)keys;
  const std::size_t line = input.find('\n');
  if (line == input.npos) return 0;
  check_signed(input.substr(0, line), input.substr(line + 1));
  const std::string as_token = test::base64url(input.substr(0, line)) + "." +
                               test::base64url(input.substr(line + 1)) + ".AAAA";
  require(std::holds_alternative<identity::Unverified>(identity::verify(as_token, rules(), now)),
          "nor with any other signature");
  return 0;
}
