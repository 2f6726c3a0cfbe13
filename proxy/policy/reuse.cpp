#include "policy/reuse.hpp"

#include <algorithm>

#include "policy/freshness.hpp"

namespace larder::policy {

using http::FieldName;

seconds current_age(const StoredResponse& stored, SystemSeconds now) {
  const seconds resident = std::max(now - stored.response_time, seconds{0});
  return stored.initial_age + resident;
}

seconds fresh_for(const StoredResponse& stored, const RouteRule& rule, SystemSeconds now) {
  if (stored.terms.validate_always) return seconds{0};
  return freshness_lifetime(stored, rule) - current_age(stored, now);
}

bool is_selected(const Texts& vary, const http::RequestHead& head, Share share) {
  if (share != Share::anonymous) return true;
  return std::none_of(vary.begin(), vary.end(), [&](std::string_view name) {
    return (name == "cookie" && head.fields.has(FieldName::cookie)) ||
           (name == "authorization" && head.fields.has(FieldName::authorization));
  });
}

StaleBounds stale_bounds(const StoredResponse& stored, const RouteRule& rule) {
  if (stored.terms.never_stale || stored.terms.validate_always) return {};
  const auto chosen = [](const std::optional<seconds>& of_rule,
                         const std::optional<StoredSeconds>& of_response) {
    return of_rule ? of_rule : std::optional<seconds>(of_response);
  };
  const auto if_error = chosen(rule.stale_if_error, stored.terms.stale_if_error);
  return {
      .while_revalidate = chosen(rule.stale_while_revalidate, stored.terms.stale_while_revalidate)
                              .value_or(seconds{0}),
      .if_error = if_error.value_or(seconds{0}),
      .if_unreachable = if_error.value_or(default_if_unreachable)};
}

namespace {

/// Freshness left: zero or below is stale.
seconds ttl_of(const StoredResponse& stored, bool is_softened, const RouteRule& rule, seconds age) {
  const seconds ttl = freshness_lifetime(stored, rule) - age;
  return is_softened ? std::min(ttl, seconds{0}) : ttl;
}

}  // namespace

std::optional<Reuse> decide_stale_reuse(const StoredResponse& stored, bool is_softened,
                                        const Demands& demands, const RouteRule& rule,
                                        OriginTrouble trouble, SystemSeconds now) {
  const seconds age = current_age(stored, now);
  const seconds ttl = ttl_of(stored, is_softened, rule, age);
  const StaleBounds bounds = stale_bounds(stored, rule);
  seconds bound = trouble == OriginTrouble::unreachable ? bounds.if_unreachable : bounds.if_error;
  const bool is_forbidden = stored.terms.never_stale || stored.terms.validate_always;
  if (!is_forbidden && !rule.stale_if_error)
    bound = std::max(bound, demands.stale_if_error.value_or(seconds{0}));
  if (bound <= seconds{0} || -ttl > bound) return std::nullopt;
  return Reuse{age, ttl, false, Detail::stale_if_error};
}

bool is_origin_trouble(std::uint16_t status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

namespace {

/// Does the request forbid what the response's own terms would allow (RFC 9111 5.2.1)?
bool is_too_old_for(const Demands& demands, seconds age, seconds ttl) {
  return (demands.max_age && age > *demands.max_age) ||
         (demands.min_fresh && ttl < *demands.min_fresh);
}

/// RFC 9111 5.2.1.7: a request that wants what is stored or nothing is not passed on. A refill asks
/// nobody for it either.
ReuseDecision carry_out(const Demands& demands, const OwnRequest& own) {
  if (demands.only_if_cached) return Refill{own.reason, std::nullopt, own.detail};
  return own;
}

}  // namespace

std::optional<OwnRequest> decide_own_request(const http::RequestHead& head, const Demands& demands,
                                             const StoredResponse& stored, const RouteRule& rule) {
  if (!is_selected(stored.vary, head, rule.share))
    return OwnRequest{ForwardReason::vary_miss, Detail::not_ours_to_share};
  if (demands.has_credentials && !stored.terms.for_credentials)
    return OwnRequest{ForwardReason::request, Detail::not_for_credentials};
  return std::nullopt;
}

ReuseDecision decide_reuse(const http::RequestHead& head, const Demands& demands,
                           const StoredResponse* stored, bool is_softened, const RouteRule& rule,
                           SystemSeconds now) {
  if (!stored) {
    if (demands.has_credentials)
      return carry_out(demands, {ForwardReason::uri_miss, Detail::credentials});
    return Refill{ForwardReason::uri_miss, std::nullopt};
  }
  const std::optional<OwnRequest> own = decide_own_request(head, demands, *stored, rule);
  if (own) return carry_out(demands, *own);
  const seconds age = current_age(*stored, now);
  const seconds ttl = ttl_of(*stored, is_softened, rule, age);
  if (demands.no_cache)
    return Refill{ForwardReason::request, std::nullopt, Detail::request_no_cache};
  if (stored->terms.validate_always) return Refill{ForwardReason::stale, ttl, Detail::no_cache};
  // RFC 9111 4.2: fresh while the lifetime is greater than the age.
  if (ttl > seconds{0}) {
    if (is_too_old_for(demands, age, ttl)) return Refill{ForwardReason::request, ttl, Detail::none};
    return Reuse{age, ttl};
  }
  if (stored->terms.never_stale) return Refill{ForwardReason::stale, ttl};
  if (!is_too_old_for(demands, age, ttl)) {
    if (demands.max_stale && -ttl <= *demands.max_stale)
      return Reuse{age, ttl, false, Detail::max_stale};
    if (-ttl < stale_bounds(*stored, rule).while_revalidate)
      return Reuse{age, ttl, true, Detail::stale_while_revalidate};
  }
  return Refill{ForwardReason::stale, ttl};
}

}  // namespace larder::policy
