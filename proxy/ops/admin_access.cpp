#include "ops/admin_access.hpp"

#include <boost/asio/ip/address.hpp>

#include "http/message.hpp"
#include "identity/access_token.hpp"

namespace larder::ops {

namespace {

/// Host without port and brackets.
std::string_view name_of_host(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

/// Names that no one else can make point here.
bool is_own_name(std::string_view host) {
  const std::string_view name = name_of_host(host);
  if (http::equals_ignoring_case(name, "localhost")) return true;
  boost::system::error_code error;
  (void)boost::asio::ip::make_address(std::string(name), error);
  return !error;
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  constexpr std::string_view scheme = "http://";
  return origin.starts_with(scheme) && origin.substr(scheme.size()) == host;
}

}  // namespace

std::optional<Denied> decide_admin_access(const AdminPolicy& policy, Need need,
                                          const AdminCaller& caller) {
  if (caller.host.empty()) return Denied{400, "Host is missing"};
  if (!policy.is_exposed && !is_own_name(caller.host))
    return Denied{403, "Host must be localhost or an address: any other name may be a page's"};
  if (need == Need::changing && !caller.origin.empty() &&
      !is_same_origin(caller.origin, caller.host))
    return Denied{403, "a page of another origin may not change anything"};
  const bool needs_token = need == Need::changing || (need == Need::reading && policy.is_exposed);
  if (!needs_token || identity::shows_token(caller.authorization, policy.token)) return {};
  if (policy.token.empty())
    return Denied{403, "no token is set: start Larder with LARDER_ADMIN_TOKEN or admin_token_file"};
  return Denied{401, "the token is missing or another: Authorization: Bearer TOKEN"};
}

}  // namespace larder::ops
