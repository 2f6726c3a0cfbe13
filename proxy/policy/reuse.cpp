#include "policy/reuse.hpp"

#include <algorithm>

namespace larder::policy {

using http::FieldName;

seconds current_age(const StoredResponse& stored, SystemSeconds now) {
  const seconds resident = std::max(now - stored.response_time, seconds{0});
  return stored.initial_age + resident;
}

bool is_selected(const std::vector<std::string>& vary, const http::RequestHead& head, Share share) {
  if (share == Share::everyone) return true;
  return std::none_of(vary.begin(), vary.end(), [&](const std::string& name) {
    return (name == "cookie" && head.fields.has(FieldName::cookie)) ||
           (name == "authorization" && head.fields.has(FieldName::authorization));
  });
}

ReuseDecision decide_reuse(const http::RequestHead& head, const Demands& demands,
                           const StoredResponse* stored, const RouteRule& rule, SystemSeconds now) {
  if (!stored) return Refill{ForwardReason::uri_miss, std::nullopt};
  if (!is_selected(stored->vary, head, rule.share)) return OwnRequest{ForwardReason::vary_miss};
  const seconds age = current_age(*stored, now);
  const seconds ttl = rule.ttl - age;
  // RFC 9111 4.2: fresh while the lifetime is greater than the age.
  if (ttl <= seconds{0}) return Refill{ForwardReason::stale, ttl};
  if (demands.no_cache)
    return Refill{ForwardReason::request, std::nullopt, Detail::request_no_cache};
  return Reuse{age, ttl};
}

}  // namespace larder::policy
