#include "identity/identifier.hpp"

#include <utility>

#include "http/cookies.hpp"
#include "identity/digest.hpp"

namespace larder::identity {

using http::FieldName;

namespace {

/// The token of "Bearer TOKEN" (RFC 6750 2.1); empty: another scheme.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  if (authorization.size() <= scheme.size() ||
      !http::equals_ignoring_case(authorization.substr(0, scheme.size()), scheme))
    return {};
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

}  // namespace

Identification Identifier::identify(const http::Fields& fields, std::chrono::sys_seconds now) {
  const std::size_t authorizations = fields.count(FieldName::authorization);
  const std::string* session = nullptr;
  std::size_t sessions = 0;
  if (fields.has(FieldName::cookie)) {
    for (const std::string& name : session_cookies_) {
      const std::size_t count = http::count_cookies(fields, name);
      if (count > 0) session = &name;
      sessions += count;
    }
  }
  // Which of two a view goes by, nobody can tell from here.
  if (authorizations + sessions > 1) return NotIdentified{Unidentified::several};
  if (authorizations == 1)
    return identify_by_token(fields.first(FieldName::authorization).value_or(""), now);
  if (!session || !by_session_) return NotIdentified{Unidentified::no_credentials};

  const std::string_view value = http::find_cookie(fields, *session).value_or("");
  if (value.empty()) return NotIdentified{Unidentified::no_credentials};
  Identity identity;
  identity.digest = std::make_shared<const std::string>(digest_of({"session", *session, value}));
  identity.cookie.append(*session).append("=").append(value);
  return identity;
}

Identification Identifier::identify_by_token(std::string_view authorization,
                                             std::chrono::sys_seconds now) {
  const std::string_view token = bearer_token(authorization);
  if (token.empty() || !rules_) return NotIdentified{Unidentified::no_credentials};
  std::shared_ptr<const Verified> verified = verified_.find(token, now);
  if (!verified) {
    Verification verification = verify(token, *rules_, now);
    if (const auto* why = std::get_if<Unverified>(&verification))
      return NotIdentified{Unidentified::token, *why};
    verified = std::make_shared<const Verified>(std::get<Verified>(std::move(verification)));
    verified_.add(token, verified);
  }
  Identity identity;
  identity.digest = {verified, &verified->digest};
  identity.token = std::move(verified);
  identity.authorization = authorization;
  identity.is_only_one = !by_session_;
  return identity;
}

}  // namespace larder::identity
