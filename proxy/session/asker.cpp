#include "session/asker.hpp"

#include "http/cookies.hpp"
#include "store/xxh3.hpp"

namespace larder::session {

std::uint64_t hash_credentials(const http::Fields& fields,
                               std::span<const std::string> session_cookies) {
  store::Xxh3Stream hash;
  bool is_somebody = false;
  if (const auto authorization = fields.first(http::FieldName::authorization)) {
    hash.add(*authorization);
    is_somebody = true;
  }
  for (const std::string& name : session_cookies) {
    const auto cookie = http::find_cookie(fields, name);
    if (!cookie) continue;
    hash.add(*cookie);
    is_somebody = true;
  }
  return is_somebody ? hash.value() | 1 : 0;
}

}  // namespace larder::session
