#include "ops/asked_request.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "http/request_head.hpp"
#include "identity/digest.hpp"
#include "session/trusted.hpp"

namespace larder::ops {
namespace {

constexpr std::string_view default_host = "localhost";

/// What is typed beyond ASCII, as every client would send it.
std::string percent_encoded(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x80) {
      encoded += letter;
      continue;
    }
    encoded += '%';
    encoded += hex[byte >> 4];
    encoded += hex[byte & 15];
  }
  return encoded;
}

bool is_host_field(std::string_view field) {
  return http::equals_ignoring_case(field.substr(0, field.find(':')), "host");
}

}  // namespace

std::variant<std::unique_ptr<AskedRequest>, std::string> AskedRequest::make(
    const Asked& asked, const config::Settings& settings) {
  std::unique_ptr<AskedRequest> made(new AskedRequest);
  std::string_view url = asked.url;
  std::string host(default_host);
  for (const std::string_view scheme : {"http", "https"}) {
    const std::string start = std::string(scheme) + "://";
    if (!url.starts_with(start)) continue;
    made->scheme_ = scheme;
    url.remove_prefix(start.size());
    const std::size_t end = std::min(url.find_first_of("/?"), url.size());
    host = url.substr(0, end);
    url.remove_prefix(end);
  }
  made->target_ = percent_encoded(url.substr(0, url.find('#')));
  if (!made->target_.starts_with('/')) {
    if (!made->target_.empty() && !made->target_.starts_with('?'))
      return "a URL is expected, such as /api/items/?page=2 or http://localhost:8080/api/items/";
    made->target_.insert(0, "/");
  }

  std::string& text = made->text_;
  text = asked.method + " " + made->target_ + " HTTP/1.1\r\n";
  if (std::none_of(asked.fields.begin(), asked.fields.end(), is_host_field))
    text += "Host: " + host + "\r\n";
  for (const std::string& field : asked.fields) {
    if (field.find_first_of("\r\n") != std::string::npos) return "a line break within a field";
    text += field + "\r\n";
  }
  text += "\r\n";
  const http::HeadLimits limits{.head_bytes = settings.head_limit,
                                .fields = settings.field_limit,
                                .target_bytes = settings.target_limit};
  const http::HeadError error = http::parse_request_head(text, limits, made->head_);
  if (error != http::HeadError::none)
    return "answered " + std::to_string(http::status_for(error)) +
           " at once: " + std::string(http::describe(error));

  if (asked.peer == "unix") {
    made->trusted_ = true;
    return made;
  }
  boost::system::error_code wrong;
  const auto address = boost::asio::ip::make_address(asked.peer, wrong);
  if (wrong) return "'" + asked.peer + "' is no address";
  made->peer_ = asked.peer;
  made->trusted_ = session::TrustedAddresses(settings.trusted_proxies).contains(address);
  return made;
}

void AskedRequest::identify(const config::Settings& settings, policy::SystemSeconds now) {
  identity::Identifier identifier(settings.tokens, settings.session_cookies,
                                  settings.per_user.by_session);
  who_ = identifier.identify(head_.fields, now);
}

policy::ExplainedRequest AskedRequest::explained(const policy::Routes& routes,
                                                 const policy::RouteIndex& index,
                                                 const config::Settings& settings) const {
  return {.routes = routes,
          .index = index,
          .head = head_,
          .peer = peer_,
          .trusted = trusted_,
          .scheme = scheme_,
          .session_cookies = settings.session_cookies,
          .who = who_};
}

identity::Identity make_assumed_identity(const config::Settings& settings,
                                         const std::string& value) {
  const std::string claim = settings.tokens ? settings.tokens->claim : "user_id";
  const std::string issuer = settings.tokens ? settings.tokens->issuer : "";
  const bool is_number =
      !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
  auto token = std::make_shared<identity::Verified>();
  token->digest = identity::digest_of({"token", issuer, claim, value});
  token->claims.emplace_back(claim, is_number ? value : "\"" + value + "\"");
  identity::Identity identity;
  identity.digest = {token, &token->digest};
  identity.token = std::move(token);
  identity.authorization = "Bearer (assumed)";
  identity.is_only_one = !settings.per_user.by_session;
  return identity;
}

}  // namespace larder::ops
