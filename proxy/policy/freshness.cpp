#include "policy/freshness.hpp"

#include <algorithm>
#include <array>

#include "http/date.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// RFC 9111 4.2.2: a typical fraction, and a bound that a caller can live with.
constexpr int heuristic_divisor = 10;
constexpr seconds longest_heuristic{24 * 3600};

std::optional<SystemSeconds> date_in(const http::Fields& fields, FieldName name,
                                     SystemSeconds now) {
  const auto text = fields.first(name);
  return text ? http::parse_date(*text, now) : std::nullopt;
}

std::optional<seconds> rule_lifetime(std::uint16_t status, const RouteRule& rule) {
  if (status == 200) return rule.ttl;
  const auto named = std::find_if(rule.statuses.begin(), rule.statuses.end(),
                                  [status](const StatusTtl& one) { return one.status == status; });
  if (named == rule.statuses.end()) return std::nullopt;
  return named->ttl;
}

Freshness bounded(FreshnessSource source, seconds lifetime, const OriginFreshness& origin) {
  lifetime = std::clamp(lifetime, seconds{0}, origin.most.value_or(http::forever));
  return {source, lifetime};
}

/// RFC 9111 5.3: an invalid date, "0" above all, is in the past; without Date the moment of
/// arrival counts.
seconds lifetime_by_expires(const http::Fields& fields, SystemSeconds response_time) {
  const auto expires = date_in(fields, FieldName::expires, response_time);
  if (!expires) return seconds{0};
  return *expires - date_in(fields, FieldName::date, response_time).value_or(response_time);
}

}  // namespace

Freshness decide_freshness(const http::ResponseHead& head, const OriginWord& word,
                           const RouteRule& rule, SystemSeconds response_time) {
  if (!rule.origin) {
    const std::optional<seconds> lifetime = rule_lifetime(head.status, rule);
    return lifetime ? Freshness{FreshnessSource::rule, *lifetime} : Freshness{};
  }
  const OriginFreshness& origin = *rule.origin;
  if (word.control.s_maxage)
    return bounded(FreshnessSource::s_maxage, *word.control.s_maxage, origin);
  if (word.control.max_age) return bounded(FreshnessSource::max_age, *word.control.max_age, origin);
  if (word.counts_expires && head.fields.has(FieldName::expires))
    return bounded(FreshnessSource::expires, lifetime_by_expires(head.fields, response_time),
                   origin);
  const bool may_guess = is_heuristically_cacheable(head.status) || word.control.is_public;
  if (origin.heuristic && may_guess) {
    if (const auto modified = date_in(head.fields, FieldName::last_modified, response_time)) {
      const SystemSeconds made =
          date_in(head.fields, FieldName::date, response_time).value_or(response_time);
      return bounded(FreshnessSource::heuristic,
                     std::min((made - *modified) / heuristic_divisor, longest_heuristic), origin);
    }
  }
  if (origin.otherwise && head.status == 200)
    return bounded(FreshnessSource::otherwise, *origin.otherwise, origin);
  return {};
}

seconds freshness_lifetime(const StoredResponse& stored, const RouteRule& rule) {
  if (rule.origin)
    return std::min<seconds>(stored.lifetime, rule.origin->most.value_or(http::forever));
  return rule_lifetime(stored.status, rule).value_or(seconds{0});
}

bool is_heuristically_cacheable(std::uint16_t status) {
  static constexpr std::array<std::uint16_t, 12> statuses{200, 203, 204, 206, 300, 301,
                                                          308, 404, 405, 410, 414, 501};
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

bool is_understood(std::uint16_t status) {
  // RFC 9110's own, but for those whose caching needs more than a whole response and its freshness.
  if (status == 206 || status == 304) return false;
  return (status >= 200 && status <= 205) || (status >= 300 && status <= 308 && status != 306) ||
         (status >= 400 && status <= 417) || status == 421 || status == 422 || status == 426 ||
         (status >= 500 && status <= 505);
}

}  // namespace larder::policy
