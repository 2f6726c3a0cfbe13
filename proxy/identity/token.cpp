#include "identity/token.hpp"

#include <array>
#include <utility>

#include "http/message.hpp"
#include "identity/base64url.hpp"
#include "identity/json_members.hpp"

namespace larder::identity {

namespace {

namespace json = boost::json;

constexpr std::size_t header_depth = 4;  // a "jwk" or "x5c" there is ignored, so it may be there
constexpr std::size_t claims_depth = 8;

constexpr std::array<std::pair<std::string_view, Algorithm>, 6> algorithms{
    {{"HS256", Algorithm::hs256},
     {"HS384", Algorithm::hs384},
     {"HS512", Algorithm::hs512},
     {"RS256", Algorithm::rs256},
     {"ES256", Algorithm::es256},
     {"EdDSA", Algorithm::eddsa}}};

std::optional<std::string_view> text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_string()) return std::nullopt;
  const json::string& text = value->get_string();
  return std::string_view(text.data(), text.size());
}

/// RFC 7515 4.1.9: a media type, whose "application/" may be left out.
bool is_access_type(std::string_view type) {
  constexpr std::string_view prefix = "application/";
  if (type.size() > prefix.size() &&
      http::equals_ignoring_case(type.substr(0, prefix.size()), prefix))
    type.remove_prefix(prefix.size());
  return http::equals_ignoring_case(type, "JWT") || http::equals_ignoring_case(type, "at+jwt");
}

bool read_header(const json::object& header, Token& token) {
  // RFC 7515 4.1.11: what is critical and not understood makes the token invalid. "b64" and "zip"
  // change what the content means, "cty" says that it is a token itself.
  for (const char* name : {"crit", "b64", "zip", "cty", "enc"})
    if (header.contains(name)) return false;
  const auto name = text_of(header, "alg");
  const std::optional<Algorithm> algorithm = name ? parse_algorithm(*name) : std::nullopt;
  if (!algorithm) return false;
  token.algorithm = *algorithm;
  if (header.contains("typ")) {
    const auto type = text_of(header, "typ");
    if (!type || !is_access_type(*type)) return false;
  }
  if (header.contains("kid")) {
    const auto kid = text_of(header, "kid");
    if (!kid || kid->empty()) return false;
    token.kid = *kid;
  }
  return true;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (const auto& [known, algorithm] : algorithms)
    if (known == name) return algorithm;
  return std::nullopt;
}

std::string_view format_algorithm(Algorithm algorithm) {
  for (const auto& [name, known] : algorithms)
    if (known == algorithm) return name;
  return {};
}

std::optional<Token> parse_token(std::string_view text) {
  if (text.size() > longest_token) return std::nullopt;
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;

  const auto header_text = decode_base64url(text.substr(0, first));
  const auto claims_text = decode_base64url(text.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(text.substr(second + 1));
  if (!header_text || !claims_text || !signature || signature->empty()) return std::nullopt;
  const auto header = parse_json_object(*header_text, header_depth);
  if (!header) return std::nullopt;
  Token token;
  if (!read_header(*header, token)) return std::nullopt;
  auto claims = parse_json_object(*claims_text, claims_depth);
  if (!claims) return std::nullopt;
  token.claims = *std::move(claims);
  token.signing_input = text.substr(0, second);
  token.signature = *std::move(signature);
  return token;
}

}  // namespace larder::identity
