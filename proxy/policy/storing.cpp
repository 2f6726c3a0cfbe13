#include "policy/storing.hpp"

#include <algorithm>

#include "http/cache_control.hpp"
#include "http/content_coding.hpp"
#include "http/date.hpp"
#include "http/grammar.hpp"
#include "policy/forwarding.hpp"
#include "policy/freshness.hpp"
#include "policy/reuse.hpp"
#include "policy/targeted_cache_control.hpp"
#include "policy/validation.hpp"

namespace larder::policy {

using http::FieldName;

namespace {

/// A trait of the resource, not of the moment: long enough to spare the origin a second request for
/// each answer that cannot be shared, short enough that a changed view is noticed.
constexpr seconds trait_of_resource{60};
constexpr seconds trait_of_moment{1};
/// How long something stale is kept for the origin to confirm.
constexpr seconds kept_for_validation{24 * 3600};

bool is_keyed(std::span<const KeyedField> keyed, const std::string& name) {
  return std::any_of(keyed.begin(), keyed.end(),
                     [&](const KeyedField& field) { return field.name == name; });
}

}  // namespace

LearnedVary::Names vary_names(const http::Fields& fields) {
  LearnedVary::Names names;
  for (const http::FieldLine& line : fields) {
    if (line.id != FieldName::vary) continue;
    std::string name;
    for (const char c : line.value) {
      if (c == ',') {
        if (!name.empty()) names.push_back(std::move(name));
        name.clear();
      } else if (c != ' ' && c != '\t') {
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
    if (!name.empty()) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

seconds corrected_initial_age(const http::Fields& fields, SystemSeconds request_time,
                              SystemSeconds response_time) {
  seconds age_value{0};
  // RFC 9111 5.1: of a list the first member counts.
  if (const auto age = fields.first(FieldName::age))
    age_value = http::parse_delta_seconds(http::grammar::trim(age->substr(0, age->find(','))))
                    .value_or(seconds{0});
  seconds apparent_age{0};
  if (const auto text = fields.first(FieldName::date)) {
    if (const auto date = http::parse_date(*text, response_time))
      apparent_age = std::max(response_time - *date, seconds{0});
  }
  const seconds response_delay = std::max(response_time - request_time, seconds{0});
  return std::max(apparent_age, age_value + response_delay);
}

namespace {

std::optional<DoNotStore> refuse_by_status(const StoringFacts& facts, const OriginWord& word) {
  const std::uint16_t status = facts.head.status;
  const seconds remember = status >= 500 ? seconds{0} : trait_of_moment;
  // 206 and 304 are parts of something else. What is said to somebody without the right credentials
  // is not for those who have them.
  const bool is_about_credentials = status == 401 || status == 403 || status == 407;
  if (status < 200 || status == 206 || status == 304 ||
      (is_about_credentials && facts.rule.share != Share::anonymous))
    return DoNotStore{Detail::status_not_stored, remember, {}};
  if (word.control.must_understand && !is_understood(status))
    return DoNotStore{Detail::not_understood, remember, {}};
  const bool is_named = facts.rule.origin || status == 200 ||
                        std::any_of(facts.rule.statuses.begin(), facts.rule.statuses.end(),
                                    [&](const StatusTtl& one) { return one.status == status; });
  if (!is_named) return DoNotStore{Detail::status_not_stored, remember, {}};
  return std::nullopt;
}

std::optional<DoNotStore> refuse_by_fields(const http::Fields& fields, const OriginWord& word) {
  if (fields.has(FieldName::set_cookie))
    return DoNotStore{Detail::set_cookie, trait_of_resource, {}};
  if (const auto type = fields.first(FieldName::content_type);
      type && type->starts_with("text/event-stream"))
    return DoNotStore{Detail::event_stream, trait_of_resource, {}};
  // RFC 9111 5.2.2.3: whoever understands the status may leave no-store aside. That is for
  // responses written with both; under a rule of ours no-store alone always counts.
  if (word.control.no_store && !word.control.must_understand)
    return DoNotStore{Detail::no_store, trait_of_resource, {}};
  if (word.control.is_private) return DoNotStore{Detail::is_private, trait_of_resource, {}};
  return std::nullopt;
}

std::optional<DoNotStore> refuse_by_vary(const LearnedVary::Names& vary,
                                         std::span<const KeyedField> keyed, bool is_coded) {
  DoNotStore unkeyed{Detail::vary_unkeyed, seconds{0}, {}};
  for (const std::string& name : vary) {
    if (name == "*") return DoNotStore{Detail::vary_star, trait_of_resource, {}};
    if (name == "cookie" || name == "authorization") continue;  // see is_selected
    // A fill asks for no coding unless the key knows it: what has none is for everyone.
    if (name == "accept-encoding" && !is_coded) continue;
    if (!is_keyed(keyed, name)) unkeyed.unkeyed.push_back(name);
  }
  if (unkeyed.unkeyed.empty()) return std::nullopt;
  return unkeyed;
}

std::optional<DoNotStore> refuse_by_framing(const http::BodyFraming& framing,
                                            std::uint64_t object_limit) {
  if (framing.kind == http::BodyFraming::Kind::length && framing.length > object_limit)
    return DoNotStore{Detail::too_large, trait_of_resource, {}};
  // RFC 9112 8: where only the connection's end delimits the content, a cut cannot be told from the
  // end.
  if (framing.kind == http::BodyFraming::Kind::until_close)
    return DoNotStore{Detail::content_cut_off, trait_of_resource, {}};
  return std::nullopt;
}

StoredResponse::Terms terms_of(const http::ResponseCacheControl& control) {
  StoredResponse::Terms terms;
  terms.validate_always = control.no_cache;
  terms.never_stale =
      control.must_revalidate || control.proxy_revalidate || control.s_maxage.has_value();
  terms.for_credentials =
      control.is_public || control.must_revalidate || control.s_maxage.has_value();
  terms.stale_while_revalidate = control.stale_while_revalidate;
  terms.stale_if_error = control.stale_if_error;
  return terms;
}

/// Fields that private= and no-cache= name: a shared cache does not keep the former, and may not
/// repeat the latter without asking (RFC 9111 5.2.2.4, 5.2.2.7).
std::vector<std::string> fields_left_out(const http::ResponseCacheControl& control) {
  std::vector<std::string> names = control.private_fields;
  names.insert(names.end(), control.no_cache_fields.begin(), control.no_cache_fields.end());
  return names;
}

}  // namespace

bool supersedes_stored(std::uint16_t status) {
  const bool is_of_the_moment = status == 408 || status == 425 || status == 429 || status >= 500;
  return status >= 200 && status != 304 && !is_of_the_moment;
}

seconds stale_retention(const StoredResponse& stored, const RouteRule& rule) {
  const StaleBounds bounds = stale_bounds(stored, rule);
  seconds retention = std::max(bounds.while_revalidate, bounds.if_unreachable);
  if (is_validatable(stored)) retention = std::max(retention, kept_for_validation);
  return retention;
}

StoringDecision decide_storing(const StoringFacts& facts) {
  const http::Fields& fields = facts.head.fields;
  const CacheDirectives said = read_cache_directives(fields);
  const OriginWord word{.control = said.directives,
                        .counts_expires = said.source == TargetedField::none};
  if (auto refused = refuse_by_status(facts, word)) return *std::move(refused);
  if (auto refused = refuse_by_fields(fields, word)) return *std::move(refused);
  const LearnedVary::Names vary = vary_names(fields);
  const bool is_coded =
      http::is_coded(fields.first(FieldName::content_encoding).value_or(std::string_view()));
  if (auto refused = refuse_by_vary(vary, facts.keyed, is_coded)) return *std::move(refused);
  if (auto refused = refuse_by_framing(facts.head.framing, facts.object_limit))
    return *std::move(refused);

  Keep keep;
  StoredResponse& stored = keep.stored;
  stored.status = facts.head.status;
  stored.response_time = facts.response_time;
  stored.initial_age = std::min(
      corrected_initial_age(fields, facts.request_time, facts.response_time), http::forever);
  stored.vary = vary;
  stored.terms = terms_of(word.control);
  std::optional<Tags> named = read_named_tags(fields, facts.origin);
  if (!named) return DoNotStore{Detail::too_many_tags, trait_of_resource, {}};
  stored.tags = *std::move(named);
  stored.etag = fields.first(FieldName::etag).value_or(std::string_view());
  stored.last_modified = fields.first(FieldName::last_modified).value_or(std::string_view());

  const Freshness freshness = decide_freshness(facts.head, word, facts.rule, facts.response_time);
  if (freshness.source == FreshnessSource::none)
    return DoNotStore{Detail::no_freshness, trait_of_moment, {}};
  stored.lifetime = freshness.lifetime;
  const bool needs_asking =
      stored.terms.validate_always || freshness.lifetime <= stored.initial_age;
  // What has to be asked for each time is worth keeping only if asking may be answered with 304.
  if (needs_asking && !is_validatable(stored)) {
    const Detail why = stored.terms.validate_always ? Detail::no_cache : Detail::already_stale;
    return DoNotStore{why, stored.terms.validate_always ? trait_of_resource : seconds{0}, {}};
  }
  keep.retention = std::max(freshness.lifetime - stored.initial_age, seconds{0}) +
                   stale_retention(stored, facts.rule);

  std::string head;
  head.reserve(facts.head.size + 64);
  append_end_to_end(facts.head, true, fields_left_out(word.control), head);
  if (!fields.has(FieldName::date))
    head += "Date: " + http::format_date(facts.response_time) + "\r\n";
  head += "Via: 1.1 larder\r\n";
  stored.head = head;
  return keep;
}

}  // namespace larder::policy
